"""Documents of every format: read, migrated, or at least rolled back."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from slipway import codec, stored
from slipway import release as rel
from slipway.frame import Frame
from slipway.phases import Phase
from slipway.release import Entry, Release
from slipway.stored import FORMAT, Unreadable

SAMPLES = {int(path.stem): json.loads(path.read_text()) for path in (Path(__file__).parent / "formats").glob("*.json")}
KINDS = {"Release": Release, "Frame": Frame, "Entry": Entry}


def text(format: int, kind: str, **changes: Any) -> str:
    return json.dumps(SAMPLES[format][kind] | changes)


def test_every_format_has_a_sample() -> None:
    assert sorted(SAMPLES) == list(range(stored.OLDEST, FORMAT + 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", sorted(SAMPLES))
def test_a_document_of_each_format_is_read(format: int, kind: str) -> None:
    assert isinstance(stored.read(KINDS[kind], text(format, kind), format), KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_shape_is_a_new_format(kind: str) -> None:
    """Fails when a stored type has changed: raise stored.FORMAT, migrate, and add `formats/{FORMAT}.json`."""
    sample = SAMPLES[FORMAT][kind]
    assert codec.encode(codec.decode(KINDS[kind], sample)) == sample


def test_an_older_document_goes_through_each_migration_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "FORMAT", 4)
    steps = {
        (Release, 2): lambda data: data | {"reason": "two"},
        (Release, 3): lambda d: d | {"reason": d["reason"] + "+"},
    }
    monkeypatch.setattr(stored, "MIGRATIONS", steps)
    assert stored.read(Release, text(FORMAT, "Release", reason="one"), 2).reason == "two+"
    assert stored.read(Release, text(FORMAT, "Release", reason="one"), 4).reason == "one"


def test_a_document_of_a_newer_version_is_an_error_that_says_so() -> None:
    with pytest.raises(Unreadable, match=rf"stored in format {FORMAT + 1}.*a newer version wrote it; deploy"):
        stored.read(Release, text(FORMAT, "Release"), FORMAT + 1)


def test_a_document_that_does_not_fit_is_an_error_that_names_the_culprit() -> None:
    with pytest.raises(Unreadable, match=r"Release\.evidence: expected an object"):
        stored.read(Release, text(FORMAT, "Release", evidence=7), FORMAT)


@pytest.mark.parametrize("format", sorted(SAMPLES))
def test_what_a_rollback_needs_is_the_same_in_every_format(format: int) -> None:
    known = stored.essentials(Release, text(format, "Release", plan="?", evidence=[], stays=3, unheard_of={"a": 1}))
    whole = stored.read(Release, text(format, "Release"), format)
    assert {n: getattr(known, n) for n in stored.ESSENTIALS[Release]} == {
        n: getattr(whole, n) for n in stored.ESSENTIALS[Release]
    }
    assert rel.roll_back(known, 1.0, "alarm").phase is Phase.ROLLING_BACK
    assert stored.essentials(Frame, text(format, "Frame", plan=None, unheard_of=1)).image


@pytest.mark.parametrize("kind", [Release, Frame])
def test_whatever_has_no_default_is_essential(kind: type) -> None:
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING} - {"plan"}
    assert needed <= set(stored.ESSENTIALS[kind])
