"""Documents of the ledger: the format they are stored in, how older ones are read, and what a rollback needs of any.

Raise FORMAT whenever the shape of a stored type changes, and add to MIGRATIONS what the former shape must become. A
document that can't be read is never judged; `essentials` of it still roll a release back.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from slipway import codec, names
from slipway.frame import Frame
from slipway.phases import Phase
from slipway.plan import Plan, Step
from slipway.release import Release

T = TypeVar("T")
FORMAT = 3
OLDEST = 1  # documents from before formats had numbers


def _counts_no_answers(release: dict[str, Any]) -> dict[str, Any]:
    """Captured answers are counted with the pairs, outside the release; its minutes no longer hold them."""
    evidence = _without(release["evidence"], "answers")
    recent = [
        {**minute, **{role: _without(minute[role], "captured", "invalid") for role in names.ROLES}}
        for minute in evidence["flow"]["recent"]
    ]
    return release | {"evidence": evidence | {"flow": evidence["flow"] | {"recent": recent}}}


def _without(data: dict[str, Any], *gone: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in gone}


Migration = Callable[[dict[str, Any]], dict[str, Any]]
# (type, format) -> its JSON form in the next format. Without an entry the next format reads the former as it is.
MIGRATIONS: dict[tuple[type, int], Migration] = {(Release, 1): _counts_no_answers}

# What every format keeps under these names and with these meanings, in both directions of a deployment.
ESSENTIALS: dict[type, tuple[str, ...]] = {
    Release: (
        *("id", "endpoint", "package", "candidate", "baseline", "baseline_config", "instances", "execution", "version"),
        *("phase", "step", "created_at", "entered_at", "zero_at", "attempts", "reason"),
    ),
    Frame: (
        *("endpoint", "image", "role_arn", "instance_type", "initial_instance_count", "max_instance_count"),
        *("target_invocations_per_instance", "capture_uri", "capture_percentage", "kms_key_arn"),
    ),
}
# A rollback follows no plan. This one says in the ledger that the release's own could not be read.
UNREADABLE = Plan("unreadable", (Step(Phase.BAKE, 100),))


class Unreadable(Exception):
    """A document that this version of Slipway can't read; the message says what to do."""


def read(kind: type[T], text: str, format: int) -> T:
    """A document in any format up to FORMAT. Raises Unreadable."""
    if format > FORMAT:
        raise Unreadable(
            f"{kind.__name__} is stored in format {format}, this version of Slipway reads up to {FORMAT}: "
            "a newer version wrote it; deploy that version again"
        )
    try:
        data = json.loads(text)
        for former in range(format, FORMAT):
            data = MIGRATIONS.get((kind, former), _unchanged)(data)
        return codec.decode(kind, data)
    except (codec.Malformed, LookupError, TypeError, AttributeError) as error:
        raise Unreadable(
            f"{kind.__name__} is stored in format {format} and can't be read as format {FORMAT} ({error!r}): "
            "deploy the version that wrote it, or roll the release back"
        ) from error


def essentials(kind: type[T], text: str) -> T:
    """What a rollback needs of a release or frame in any format, newer ones too; the rest is as if never known.

    Raises codec.Malformed if even that is not there.
    """
    data = json.loads(text)
    kept = {name: data[name] for name in ESSENTIALS[kind] if name in data}
    return codec.decode(kind, kept | {"plan": codec.encode(UNREADABLE)})


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    return data
