"""A fresh AWS for each test, with boto3 clients that are made once."""

import os
from collections.abc import Iterator

import pytest
from moto import mock_aws

from lambdas.aws import clients, clock, ledger
from slipway.release import Release
from tests.lambdas import world as worlds
from tests.lambdas.retraining import Retraining
from tests.lambdas.wire import Wire
from tests.lambdas.world import Clock, World

SERVICES = (
    "application-autoscaling",
    "cloudwatch",
    "dynamodb",
    "events",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "sns",
    "stepfunctions",
)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_TRACE_DISABLED": "1",
    "LEDGER_TABLE": worlds.TABLE,
    "BUCKET": worlds.BUCKET,
}


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    wire = Wire()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clients.client.cache_clear()
        for service in SERVICES:
            wire.attach(clients.client(service), service)
    yield wire
    clients.client.cache_clear()


@pytest.fixture
def world(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An endpoint on its first model, described in the ledger, and no release."""
    with mock_aws():
        yield fresh(wire, monkeypatch)


def fresh(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world as it was in the beginning. Must be inside `mock_aws`."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    wire.before, wire.crash_at = None, 0
    made = World(wire, Clock())
    monkeypatch.setattr(clock, "now", made.clock.now)
    monkeypatch.setenv("TOPIC_ARN", made.topic)
    monkeypatch.setenv("PROMOTION_ARN", made.machine)
    ledger.put_frame(worlds.FRAME)
    wire.calls.clear()
    return made


@pytest.fixture
def release() -> Release:
    return worlds.release()


@pytest.fixture
def retraining(world: World, monkeypatch: pytest.MonkeyPatch) -> Retraining:
    monkeypatch.setenv("ENDPOINTS", "fraud")
    monkeypatch.setenv("SOURCES", "s3://assets/sources.tar.gz")
    made = Retraining(world)
    world.wire.calls.clear()
    return made
