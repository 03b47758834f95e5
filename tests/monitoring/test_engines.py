"""Whichever engine counts a window, and however its lines are spread over objects, the profile is the same."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring import embedded, records, sql, stream
from slipway import names
from slipway.drift.profile import Profile, empty
from tests.monitoring.same import assert_same
from tests.monitoring.traffic import REFERENCE, WINDOW, line, lines, plain_lines

slow = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def assert_adds_up(profile: Profile) -> None:
    assert profile.records == profile.accepted + sum(count.n for count in profile.rejected)
    assert {column.rows for column in (*profile.columns, profile.scores)} == {profile.rows}
    for column, feature in zip(profile.columns, REFERENCE.features, strict=True):
        assert not feature.edges or sum(column.cells) == column.moments.n


@given(lines, st.integers(0, 12))
def test_lines_split_over_objects_anywhere_give_the_same_profile(captured: list[str], at: int) -> None:
    whole, quarantined = stream.profile(captured, REFERENCE, WINDOW)
    parts = [stream.profile(part, REFERENCE, WINDOW) for part in (captured[:at], captured[at:])]
    assert_same(whole, parts[0][0] + parts[1][0])
    assert quarantined == parts[0][1] + parts[1][1]
    assert_adds_up(whole)


@slow
@given(captured=lines | plain_lines | st.tuples(plain_lines, lines).map(lambda both: [*both[0], *both[1], "{"]))
def test_the_embedded_engine_counts_nasty_records_as_the_streaming_one(
    captured: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("capture") / "x.jsonl"
    path.write_text("\n".join(captured))
    quarantined: list[stream.Quarantined] = []
    profile = embedded.profile([path], REFERENCE, WINDOW, quarantined.append)
    expected, refused = stream.profile(captured, REFERENCE, WINDOW)
    assert_same(profile, expected)
    assert sorted(q.reason for q in quarantined) == sorted(q.reason for q in refused)
    assert_adds_up(profile)


@pytest.mark.parametrize("last", [line("2,clerk,7,2"), '{"captureData": {', line("2,clerk,7,x", "x"), line("1,2")])
def test_what_comes_after_many_batches_of_plain_lines_is_counted_too(
    last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "BATCH", 2048)
    captured = [line(f"{n / 7},clerk,7,{n}", f"{n / 9999}") for n in range(9999)] + [last]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(captured))
    quarantined: list[stream.Quarantined] = []
    expected, refused = stream.profile(captured, REFERENCE, WINDOW)
    assert_same(embedded.profile([path], REFERENCE, WINDOW, quarantined.append), expected)
    assert [q.line for q in quarantined] == [q.line for q in refused]


def _around(broken: bytes, end: bytes) -> bytes:
    return end.join([*(line(f"{n},clerk,7,2").encode() for n in range(99)), broken, line("z", "q").encode()])


@pytest.mark.parametrize(
    "broken",
    [b"{", b'"', b"null", b"\xef\xbb\xbf{}", b"", b" ", b"\x00", b"\x01", b"a,b'c\"d\\", b"x" * 70_000, b"[" * 5000],
)
def test_a_line_that_is_no_json_costs_the_others_nothing(
    broken: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, by_python = tmp_path / "x.jsonl", list[object]()
    path.write_bytes(_around(broken, b"\n"))
    expected, refused = stream.profile(path.open("rb"), REFERENCE, WINDOW)
    quarantined, count = list[stream.Quarantined](), stream.profile

    def counted(odd: Iterable[str], *how: Any) -> tuple[Profile, list[stream.Quarantined]]:
        by_python.extend(kept := list(odd))
        return count(kept, *how)

    monkeypatch.setattr(stream, "profile", counted)
    assert_same(embedded.profile([path], REFERENCE, WINDOW, quarantined.append), expected)
    assert [q.reason for q in quarantined] == [q.reason for q in refused]
    assert len(by_python) <= 2


@pytest.mark.parametrize("broken", [b"{", b"\r", b"\xff", b"\x01\x02\x03\x04z", b"\xef\xbb\xbf{}", b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_bytes_that_no_one_writes_are_counted_as_python_does(broken: bytes, end: bytes, tmp_path: Path) -> None:
    path, quarantined = tmp_path / "x.jsonl", list[stream.Quarantined]()
    path.write_bytes(_around(broken, end))
    expected, refused = stream.profile(path.open("rb"), REFERENCE, WINDOW)
    assert_same(embedded.profile([path], REFERENCE, WINDOW, quarantined.append), expected)
    assert [q.reason for q in quarantined] == [q.reason for q in refused]


@pytest.mark.parametrize("row", ["1,clerk,7,2", "1,clerk", "x\ny"])
def test_replayed_rows_are_nobodys_traffic(row: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join([line(), line(row, inference=f"{names.PROBE_ID}-baseline-1"), line(inference="mine")]))
    counted = [embedded.profile([path], REFERENCE, WINDOW), stream.profile(path.open("rb"), REFERENCE, WINDOW)[0]]
    assert [(profile.records, profile.rows) for profile in counted] == [(2, 2)] * 2
    assert names.PROBE_ID == records.REPLAYED


@pytest.mark.parametrize("name", ["a*.jsonl", "a[1].jsonl", "hour=7/a.jsonl"])
def test_an_objects_name_is_no_pattern(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "a1.jsonl").write_text("\n".join([line(), line()]))
    (tmp_path / name).write_text("\n".join([line("2,clerk,7,2"), "no JSON"]))
    assert_same(
        embedded.profile([tmp_path / name], REFERENCE, WINDOW),
        stream.profile((tmp_path / name).open("rb"), REFERENCE, WINDOW)[0],
    )
    (tmp_path / name).write_text(line("2,clerk,7,2"))
    assert embedded.profile([tmp_path / name], REFERENCE, WINDOW).records == 1


def test_an_empty_window_is_an_empty_profile() -> None:
    assert embedded.profile([], REFERENCE) == stream.profile([], REFERENCE)[0] == empty(REFERENCE)
