"""What a captured line holds, and the name of whatever is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring import labelled, records, stream
from monitoring.columns import ABSENT
from monitoring.records import Reason, Refused
from slipway.drift.profile import Column
from tests.monitoring.traffic import NOON, REFERENCE, WINDOW, line

NAMES = [feature.name for feature in REFERENCE.features]
ROW = [1.5, "clerk", 7, None]
NAMED = dict(zip(NAMES, ROW, strict=True))


@pytest.mark.parametrize(
    "document",
    [
        {"instances": [ROW]},
        {"instances": [{"features": ROW}]},
        {"features": ROW},
        [ROW],
        ROW,
        NAMED,
        [NAMED],
        {"instances": [NAMED]},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_json_rows_come_in_many_shapes(document: object, encoding: str) -> None:
    record = records.parse(line(document, encoding=encoding, content_type="application/json; charset=utf-8"), NAMES)
    assert record.rows == [ROW]


@pytest.mark.parametrize("encoding", ["CSV", "BASE64"])
@pytest.mark.parametrize("text", ["1,clerk,7,\n2,,8,9", "1,clerk,7,\r\n2,,8,9\r\n"])
def test_a_csv_record_may_hold_many_rows(text: str, encoding: str) -> None:
    record = records.parse(line(text, "0.1\n0.9\n", encoding=encoding), NAMES)
    assert (record.rows, record.scores) == ([["1", "clerk", "7", ""], ["2", "", "8", "9"]], ["0.1", "0.9"])


def test_quoted_csv_values_keep_their_commas() -> None:
    assert records.parse(line('1,"a, ""b""",7,2'), NAMES).rows == [["1", 'a, "b"', "7", "2"]]


@pytest.mark.parametrize(
    "answer",
    [
        {"predictions": [{"score": 0.1, "predicted_label": 0}, {"score": None}]},
        {"scores": [[0.1], [None]]},
        [0.1, None],
    ],
)
def test_json_answers_come_in_many_shapes(answer: object) -> None:
    assert records.parse(line("1\n2", answer), NAMES).scores == [0.1, None]


def test_named_features_are_matched_by_name_in_any_order() -> None:
    row = records.parse(line({"nothing": 1, "surprise": [2], "amount": 3}, encoding="JSON"), NAMES).rows[0]
    assert row == [3, ABSENT, ABSENT, 1, "[2]"]


def test_a_record_tells_both_its_ids_and_its_time() -> None:
    record = records.parse(line(time="2026-04-18T14:00:00+02:00", inference="mine", event="theirs"), NAMES)
    assert (record.id, record.event, record.at) == ("mine", "theirs", NOON)


REFUSED = {
    "{": Reason.UNREADABLE,
    '{"captureData": {}}': Reason.UNREADABLE,
    '{"captureData": {}, "eventMetadata": {"inferenceTime": "2026-04-18T12:00:00Z"}}': Reason.NO_INPUT,
    line(time=None): Reason.NO_TIME,
    line(time="{%s}"): Reason.NO_TIME,
    line(""): Reason.NO_ROWS,
    line({"instances": []}, encoding="JSON"): Reason.NO_ROWS,
    line("5", encoding="JSON"): Reason.PAYLOAD,
    line("{", encoding="JSON"): Reason.PAYLOAD,
    line('"open', encoding="CSV"): Reason.PAYLOAD,
    line("1", {"error": "no"}): Reason.PAYLOAD,
    line("1", encoding="BASE64", content_type="application/x-recordio"): Reason.CONTENT_TYPE,
    line("1,2", "0.1,0.7,0.2"): Reason.SCORE_COUNT,
}


@pytest.mark.parametrize(("raw", "reason"), REFUSED.items(), ids=[f"{i} {r}" for i, r in enumerate(REFUSED.values())])
def test_whatever_is_malformed_has_a_reason(raw: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        records.parse(raw, NAMES)
    assert refused.value.reason == reason


def test_a_refused_line_is_quarantined_as_it_stands_and_counted_by_its_reason() -> None:
    skewed = line(time="2026-04-18T15:00:00Z")
    profile, quarantined = stream.profile([line(), "{", skewed, "", "["], REFERENCE, WINDOW)
    assert [(one.reason, one.line) for one in quarantined] == [
        ("unreadable", "{"),
        ("clock_skew", skewed),
        ("unreadable", "["),
    ]
    assert (profile.records, profile.accepted) == (4, 1)
    assert {count.reason: count.n for count in profile.rejected} == {"unreadable": 2, "clock_skew": 1}


def column(name: str, *values: object) -> Column:
    """One feature's counts of rows where the other features are empty."""
    at = NAMES.index(name)
    rows = [[*[None] * at, value, *[None] * (len(NAMES) - at - 1)] for value in values]
    raw = line({"instances": rows}, [0.5] * len(rows), encoding="JSON")
    return stream.profile([raw], REFERENCE)[0].columns[at]


def test_every_oddity_of_a_number_has_its_count() -> None:
    counted = column("amount", None, "", "nan", "text", True, "1e400", float("-inf"), 1e101, [1], -0.5, 0.25)
    assert (counted.nulls, counted.type_errors, counted.infinite) == (3, 2, 3)
    assert (counted.cells, counted.moments.n) == ((0, 1, 1, 1, 0), 3)
    assert (counted.fractional, counted.negative, counted.least, counted.most) == (2, 1, -0.5, 1.0)


def test_a_category_counts_its_levels_however_they_are_written() -> None:
    counted = column("job", 3, 3.0, "3", "3.0", " clerk", "it's", "03", "nurse", None, "", float("nan"), {"a": 1})
    assert (counted.cells, counted.unseen, counted.nulls) == ((1, 0, 4, 1), 3, 3)


def test_any_other_value_of_a_constant_shows() -> None:
    assert column("constant", 7, 6.999, 7.001, 7.0).cells == (1, 2, 1)


def test_short_rows_lack_features_and_long_ones_have_too_many() -> None:
    profile, _ = stream.profile([line("1"), line("1,clerk,7,2,9,9")], REFERENCE)
    assert ([c.absent for c in profile.columns], profile.surplus) == ([0, 1, 1, 1], 2)


def test_ten_thousand_categories_are_unseen_and_cost_no_memory() -> None:
    counted = column("job", *(f"job {n}" for n in range(10_000)))
    assert (counted.unseen, len(counted.cells)) == (10_000, 4)


def test_a_record_without_an_answer_lacks_a_score() -> None:
    profile, _ = stream.profile([line(answer=None), line(answer="0.5"), line(answer="0.49")], REFERENCE)
    assert (profile.scores.absent, profile.positives, profile.rows) == (1, 1, 3)


def test_the_streaming_engine_needs_the_standard_library_alone() -> None:
    code = "import sys, monitoring.stream; print(*sorted({module.split('.')[0] for module in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "monitoring" in loaded
    assert {"numpy", "duckdb", "pyarrow", "pyspark"}.isdisjoint(loaded)


def test_every_reason_to_refuse_a_line_or_a_label_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/monitoring.md").read_text()
    assert [reason for reason in (*Reason, *labelled.Reason) if f"`{reason}`" not in page] == []


@pytest.mark.parametrize("depth", [500, 700, 960, 989])
def test_nesting_too_deep_to_follow_is_no_payload(depth: int) -> None:
    nested = "[" * depth + "0.5" + "]" * depth
    for text in (line(nested, encoding="JSON"), line([[1.5, "clerk", 7, None]], encoding="JSON")):
        document = json.loads(text)
        document["captureData"]["endpointOutput"] |= {"data": nested, "encoding": "JSON"}
        counted, refused = stream.profile([json.dumps(document), line()], REFERENCE, WINDOW)
        assert counted.records == 2 and counted.accepted + len(refused) == 2
        assert [one.reason for one in refused] in ([], [Reason.PAYLOAD])
