import base64
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import names
from tests.training.captures import BEGIN, CUT, END, HOUR, NAMES, World, capture_line, label_line
from tests.training.conftest import shifted, traffic
from training import assemble, captured, joined, package, train


def failed(description: dict) -> list[str]:
    return [check["name"] for check in description["checks"] if not check["passed"]]


def test_requests_and_labels_become_a_dataset_in_parts_by_time(world, champion):
    description = traffic(world).run(champion)
    assert description["passed"], description["checks"]
    assert {name: part["rows"] for name, part in description["parts"].items()} == {
        "train": 600,
        "validation": 150,
        "holdout": 250,
    }
    parts = [pd.read_parquet(world.output / name / "rows.parquet") for name in assemble.PARTS]
    assert [list(part.columns) for part in parts] == [["event_time", *NAMES, "label"]] * 3
    assert parts[0]["event_time"].max() < parts[1]["event_time"].min()
    assert parts[1]["event_time"].max() < parts[2]["event_time"].min()
    assert json.loads((world.output / "dataset.json").read_text()) == description
    channels = {name: str(world.output / name) for name in ("train", "validation")}
    given = {**channels, "target": "label", "time-column": "event_time", "model-dir": str(world.output / "model")}
    trained = train.main([*(f"--{key}={value}" for key, value in given.items()), "--num-round=5"])
    assert trained["data"]["seen"][1] < description["parts"]["holdout"]["since"]


@pytest.mark.parametrize(("hours", "held"), [(20, 100), (80, 250)], ids=["half of them", "a quarter of all"])
def test_after_a_drift_at_most_half_of_what_came_since_is_held_out(world, champion, hours, held):
    since = BEGIN + (99 - hours) * HOUR
    parts = traffic(world).run(champion, f"--drifted={since}")["parts"]
    assert parts["holdout"]["rows"] == pytest.approx(held, abs=2) and parts["holdout"]["since"] > since


def test_without_a_row_since_the_drift_there_is_nothing_to_judge_on(world, champion):
    assert "classes" in failed(traffic(world).run(champion, f"--drifted={END}"))


def test_the_same_requests_in_other_files_and_orders_give_the_same_digest(tmp_path, champion):
    described = []
    for name, reverse in (("one", False), ("other", True)):
        world = traffic(World(tmp_path / name))
        if reverse:
            lines = [line for path in sorted(world.capture.rglob("*.jsonl")) for line in path.read_text().splitlines()]
            for path in world.capture.rglob("*.jsonl"):
                path.unlink()
            (world.capture / "z.jsonl").write_text("\n".join(reversed(lines[::2])) + "\n")
            (world.capture / "a.jsonl").write_text("\n".join(lines[1::2]) + "\n")
        described.append(world.run(champion))
    assert described[0] == described[1]
    changed = traffic(World(tmp_path / "changed"), change=lambda rows: rows.assign(a=rows["a"] + 1e-5))
    assert changed.run(champion)["sha256"] != described[0]["sha256"]


def test_a_label_counts_only_if_it_had_come_by_the_cut(world):
    for id, delay in (("early", HOUR), ("late", 200 * HOUR)):
        world.ask(id, BEGIN + HOUR)
        world.tell(id, BEGIN + HOUR + delay, 1)
    rows, counts = world.write().join()
    assert len(rows) == 1
    assert (counts["unlabelled"], counts["late_labels"]) == (1, 1)


def test_the_newest_label_known_at_the_cut_wins(world):
    world.ask("x", BEGIN)
    for hours, value in ((1, 0), (2, 1), (300, 0)):
        world.tell("x", BEGIN + hours * HOUR, value)
    rows, counts = world.write().join()
    assert list(rows["label"]) == [1]
    assert counts["changed_labels"] == 1


def test_an_hour_without_minutes_is_known_at_its_end():
    assert captured.collected("s3://b/ground-truth/fraud/2026/03/01/05/labels.jsonl") == BEGIN + 6 * HOUR
    assert captured.collected("ground-truth/fraud/2026/03/01/05/07-09-123-u.jsonl") == BEGIN + 5 * HOUR + 429
    with pytest.raises(ValueError, match="the hour in which the labels were collected"):
        captured.collected("labels/today.jsonl")


def test_retries_and_shadow_copies_of_a_request_count_once_and_the_first_one(world):
    world.ask("x", BEGIN + 5, "9,9,9,9")
    world.ask("x", BEGIN + 1, "1,1,1,1")
    world.ask("x", BEGIN + 1, "1,1,1,1", variant="candidate")
    world.tell("x", BEGIN + HOUR, 1)
    rows, counts = world.write().join()
    assert rows[NAMES].to_numpy().tolist() == [[1, 1, 1, 1]]
    assert counts["duplicates"] == 2


def test_only_the_window_is_taken_and_labels_without_a_request_are_counted(world):
    for id, time in (("before", BEGIN - 1), ("first", BEGIN), ("last", END - 1), ("after", END)):
        world.ask(id, time)
        world.tell(id, CUT - 1, 0)
    world.tell("nobody", CUT - 1, 1)
    rows, counts = world.write().join()
    assert list(rows["event_time"]) == [BEGIN, END - 1]
    assert counts["unmatched_labels"] == 1


def test_replayed_rows_are_nobodys_traffic(world):
    for id in ("x", "slipway-probe-1"):
        world.ask(id, BEGIN)
        world.tell(id, BEGIN + HOUR, 1)
    assert len(world.write().join()[0]) == 1
    assert joined.PROBES.startswith(names.PREFIX)


def test_requests_too_young_for_their_label_are_left_out_even_if_it_has_come(world):
    for id, time in (("old", BEGIN), ("young", END - 1)):
        world.ask(id, time)
        world.tell(id, time + 60, 1)
    rows, counts = world.write().join(cut=END, mature=HOUR)
    assert list(rows["event_time"]) == [BEGIN]
    assert counts["immature"] == 1


BODIES = {
    "csv": ("1,2,,4", {}),
    "base64": (base64.b64encode(b"1,2,,4\n").decode(), {"encoding": "BASE64"}),
    "instances": ('{"instances": [[1, 2, null, 4]]}', {"encoding": "JSON"}),
    "features": ('{"features": [1, 2, NaN, 4]}', {"encoding": "JSON"}),
    "list": ("[1, 2, null, 4]", {"encoding": "JSON"}),
}


@pytest.mark.parametrize("form", BODIES)
def test_every_form_that_serving_takes_gives_the_same_row(form):
    data, change = BODIES[form]
    line = json.dumps(capture_line("x", BEGIN, data, **change))
    assert captured.request(line, 4) == ("x", BEGIN, [1.0, 2.0, None, 4.0])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "unreadable"),
        ("[]", "unreadable"),
        (json.dumps({"eventMetadata": {}}), "unidentified"),
        (json.dumps(capture_line("x", BEGIN, "1,2,3")), "columns"),
        (json.dumps(capture_line("x", BEGIN, "")), "columns"),
        (json.dumps(capture_line("x", BEGIN, "{}")), "unreadable"),
        (json.dumps(capture_line("x", BEGIN, "1,2,3,x")), "text"),
        (json.dumps(capture_line("x", BEGIN, "[1,2,3,true]")), "text"),
        (json.dumps(capture_line("x", BEGIN, "1,2,3,inf")), "infinite"),
        (json.dumps(capture_line("x", BEGIN, "1,2,3,4\n1,2,3,4")), "several_rows"),
        (json.dumps({**capture_line("x", BEGIN, "1,2,3,4"), "captureData": None}), "unreadable"),
    ],
)
def test_a_line_that_can_not_be_used_is_counted_by_its_reason(line, reason):
    assert captured.request_row("", line, 4) == (reason,)
    assert reason in captured.REASONS


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_a_line_holds_it_is_a_row_or_a_reason(document):
    line = json.dumps(document)
    assert captured.request_row("", line, 4)[0] in captured.REASONS
    body = json.dumps(capture_line("x", BEGIN, line, encoding="JSON"))
    assert len(captured.request_row("", body, 4)) in (1, 6)
    path = "ground-truth/fraud/2026/03/01/05/labels.jsonl"
    assert len(captured.label_row(path, json.dumps(label_line("x", line)), 0)) in (1, 3)


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        (shifted(amount=lambda rows: rows["amount"] * 100), "range", "of amount is far outside"),
        (shifted(c=lambda rows: 3.0), "range", "c is always 3"),
        (shifted(b=lambda rows: rows["b"].where(rows.index % 5 > 0)), "schema", "200 incomplete"),
        (shifted(c=lambda rows: rows["label"] * 2.0), "leak", "c alone tells the outcome"),
        (shifted(label=lambda rows: 0), "classes", "0 positive; at least 30"),
        (shifted(label=lambda rows: 7), "labels", "1000 of 1000 requests have no label"),
    ],
)
def test_data_that_should_not_be_trained_on_fails_its_check(world, champion, change, name, says):
    description = traffic(world, change=change).run(champion)
    assert name in failed(description)
    assert any(says in check["says"] for check in description["checks"] if not check["passed"])
    assert not description["passed"]


def test_a_plain_drift_of_a_feature_is_no_fault(world, champion):
    drifted = traffic(world, change=shifted(a=lambda rows: rows["a"] + 1.0))
    assert failed(drifted.run(champion)) == []


def test_a_column_known_only_afterwards_must_be_no_feature(world, champion):
    assert failed(traffic(world).run(champion, "--never", "duration,c")) == ["leak"]


def test_a_holdout_that_the_champion_has_seen_is_not_fresh(world, champion, tmp_path):
    manifest = json.loads((champion / "manifest.json").read_text())
    manifest["data"]["seen"][1] = BEGIN + 90 * HOUR
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert failed(traffic(world).run(tmp_path / "manifest.json")) == ["fresh"]


def test_the_champion_may_be_a_directory_or_an_archive(champion, tmp_path):
    expected = json.loads((champion / "manifest.json").read_text())
    archive = package.artifact(champion, tmp_path / "downloaded" / "model.tar.gz")
    assert [assemble.manifest_of(path) for path in (champion, archive, archive.parent)] == [expected] * 3
    with pytest.raises(ValueError, match="no model with a manifest"):
        assemble.manifest_of(tmp_path / "nothing.tar.gz")


def test_rows_of_the_same_instant_are_never_split_between_parts():
    rows = pd.DataFrame({"event_time": np.repeat([1.0, 2.0, 3.0, 4.0], [10, 50, 30, 10])})
    parts = assemble.split(rows, 0.3, 0.3)
    assert [sorted(set(part["event_time"])) for part in parts.values()] == [[1.0], [2.0], [3.0, 4.0]]
    assert sum(map(len, parts.values())) == 100


def test_an_empty_window_fails_its_checks_and_says_so(world, champion):
    world.ask("x", END + HOUR)
    world.tell("x", END + 2 * HOUR, 1)
    description = world.write().run(champion)
    assert not description["passed"]
    assert {"labels", "classes"} <= set(failed(description))


@pytest.mark.parametrize("wrong", ["--holdout=0", "--validation=0.8", "--rejected=2"])
def test_shares_that_make_no_sense_are_refused_by_name(world, champion, wrong):
    with pytest.raises(ValueError, match=wrong.split("=")[0]):
        traffic(world, 50).run(champion, wrong)
