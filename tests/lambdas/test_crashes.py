"""A function may die around any of its calls; the workflow's retry ends where an undisturbed run does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from moto import mock_aws

from lambdas import admit, judge, roll_back, settle, shift
from lambdas.aws import ledger
from lambdas.aws.clients import client
from slipway import names
from slipway import release as rel
from tests.lambdas.conftest import fresh
from tests.lambdas.wire import Crash, Wire
from tests.lambdas.world import BAKE, CANARY, CONTEXT, SHADOW, TABLE, World

STATES = {"shift": shift, "judge": judge, "settle": settle, "roll_back": roll_back}
READS = ("get_", "describe_", "list_", "head_", "query", "invoke_")
TIMELESS = ("phase", "step", "weight", "reason", "execution", "baseline_config", "paused", "urged", "holding")
ALARM = {
    "detail-type": "CloudWatch Alarm State Change",
    "detail": {"alarmName": names.alarm("fraud", names.CANDIDATE), "state": {"value": "ALARM", "reason": "5xx"}},
}


@dataclass(frozen=True)
class Flow:
    """begin: brings a world to its start and answers the first call; until: where the workflow has arrived."""

    begin: Callable[[World], Callable[[], Any]]
    until: str


def admission(world: World) -> Callable[[], Any]:
    event = {"input": {"model_package_arn": world.register()}, "execution": world.execution("one")}
    return lambda: admit.handler(event, CONTEXT)


def from_created(world: World) -> Callable[[], Any]:
    known = world.release()
    return lambda: shift.handler({"release_id": known.id}, CONTEXT)


def to_canary(world: World) -> Callable[[], Any]:
    known = world.entered(rel.advance(world.at(SHADOW), world.clock.at, "test"))
    return lambda: shift.handler({"release_id": known.id}, CONTEXT)


def look_that_advances(world: World) -> Callable[[], Any]:
    known = world.at(CANARY)
    world.answered(known)
    for _ in range(12):
        world.cloudwatch.minute(world.clock.at, "baseline", 750)
        world.cloudwatch.minute(world.clock.at, "candidate", 250)
        world.later(60)
    world.later(120)
    return lambda: judge.handler({"release_id": known.id}, CONTEXT)


def settling(world: World) -> Callable[[], Any]:
    known = world.entered(rel.advance(world.at(BAKE), world.clock.at, "test"))
    return lambda: settle.handler({"release_id": known.id}, CONTEXT)


def alarm(world: World) -> Callable[[], Any]:
    known = world.at(CANARY, execution=world.execution("one"))

    def ring() -> dict[str, Any]:
        roll_back.handler(ALARM, CONTEXT)
        return {"next": "roll_back", "release_id": known.id, "wait_seconds": 60}

    return ring


FLOWS = {
    "admission": Flow(admission, until="shift"),
    "the first step": Flow(from_created, until="judge"),
    "shadow to canary": Flow(to_canary, until="judge"),
    "a look that advances": Flow(look_that_advances, until="judge"),
    "settling": Flow(settling, until="promoted"),
    "an alarm": Flow(alarm, until="rolled_back"),
}


def run(call: Callable[[], Any], world: World, until: str) -> None:
    """The workflow's part: what fails is called again with the same input, what is answered is followed."""
    for _ in range(30):
        try:
            turn = call()
        except Crash:
            turn = call()
        if turn["next"] == until:
            return
        world.later(60 if turn["wait_seconds"] else 0)
        call = _next(turn)
    raise AssertionError(f"never arrived: {turn}")


def _next(turn: dict[str, Any]) -> Callable[[], Any]:
    return lambda: STATES[turn["next"]].handler(turn, CONTEXT)


def end(world: World) -> dict[str, Any]:
    """What must not depend on where a function died: all but times, and how often things were tried."""
    items = client("dynamodb").scan(TableName=TABLE)["Items"]
    (release_id,) = {
        item["pk"]["S"].removeprefix("RELEASE#") for item in items if item["pk"]["S"].startswith("RELEASE#")
    }
    known = ledger.release(release_id)
    return {
        "release": {name: getattr(known, name) for name in TIMELESS},
        "verified": (known.in_place_at is not None, known.zero_at is not None),
        "seen": (known.evidence.flow.requests, known.evidence.flow.minutes),
        "history": [(line.what, line.by, line.phase, line.weight) for line in ledger.history(release_id)],
        "lock": ledger.in_progress("fraud"),
        "endpoint": (world.sagemaker.config, world.sagemaker.live),
        "models": set(world.sagemaker.models),
        "configs": set(world.sagemaker.configs),
        "scaling": world.scaling.targets,
    }


def crashes(world: World) -> Iterator[tuple[int, str, bool]]:
    """(number of the call, its name, whether it took effect): before the first change, and after each one."""
    changes = [(i, c.method) for i, c in enumerate(world.wire.calls, 1) if not c.method.startswith(READS)]
    yield *changes[0], False
    for number, method in changes:
        yield number, method, True


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_crash_around_any_change_and_a_retry_end_in_the_same_state(
    flow: Flow, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        world = fresh(wire, monkeypatch)
        call = flow.begin(world)
        wire.calls.clear()
        run(call, world, flow.until)
        places, undisturbed = list(crashes(world)), end(world)
    for number, method, effect in places:
        with mock_aws():
            world = fresh(wire, monkeypatch)
            call = flow.begin(world)
            wire.calls.clear()
            wire.crash_at, wire.crash_after_effect = number, effect
            run(call, world, flow.until)
            assert wire.crash_at == 0, "it did crash"
            assert end(world) == undisturbed, f"died {'after' if effect else 'before'} call {number}, {method}"
