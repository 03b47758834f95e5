"""Which executions drive a release."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from lambdas.aws import executions
from lambdas.aws.clients import client
from slipway import release as rel
from slipway.release import Release
from tests.lambdas.world import World


def stopped(world: World) -> str:
    arn = world.execution("stopped")
    client("stepfunctions").stop_execution(executionArn=arn)
    return arn


def test_a_running_execution_has_not_ended(world: World) -> None:
    assert not executions.ended(world.execution("running"))


def test_a_stopped_execution_has_ended(world: World) -> None:
    assert executions.ended(stopped(world))


def test_one_that_never_was_or_is_forgotten_has_ended(world: World) -> None:
    assert executions.ended("")
    assert executions.ended(world.machine.replace("stateMachine", "execution") + ":gone")


def test_a_refusal_to_say_is_no_answer(world: World) -> None:
    running = world.execution("running")
    world.wire.refuse("describe_execution")
    with pytest.raises(ClientError, match="Rate exceeded"):
        executions.ended(running)


def test_a_release_whose_execution_was_stopped_gets_another_one(world: World, release: Release) -> None:
    executions.ensure(replace(release, execution=stopped(world)))
    (running,) = client("stepfunctions").list_executions(stateMachineArn=world.machine, statusFilter="RUNNING")[
        "executions"
    ]
    given = client("stepfunctions").describe_execution(executionArn=running["executionArn"])["input"]
    assert json.loads(given) == {"release_id": release.id}


def test_a_release_that_is_driven_or_has_ended_gets_none(world: World, release: Release) -> None:
    driven = replace(release, execution=world.execution("running"))
    ended = rel.rolled_back(rel.roll_back(replace(release, execution=stopped(world)), 1.0, "x"), 2.0)
    world.wire.calls.clear()
    executions.ensure(driven)
    executions.ensure(ended)
    assert world.wire.made("start_execution") == []
