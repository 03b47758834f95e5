"""The deployed function in the sandbox: from S3 over EventBridge to `pair`, which runs under its own role."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambdas.aws import batches, ledger, pairs
from sandbox.demo.toolchain import Cdk
from sandbox.environment import Sandbox
from sandbox.server import ACCOUNT, REGION
from slipway import names
from slipway import release as rel
from tests.lambdas import pair_traffic as traffic
from tests.lambdas.world import release

pytestmark = pytest.mark.sandbox
SECONDS = 60.0  # real, for all events to be handled


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """State and Delivery as `cdk deploy` makes them, and this process reads the ledger as their administrator."""
    out = tmp_path_factory.mktemp("pair")
    with Sandbox(speed=60, logs=out / "logs", dataplane=False) as sandbox, pytest.MonkeyPatch.context() as patch:
        _deploy(sandbox, out)
        patch.setenv("LEDGER_TABLE", names.LEDGER_TABLE)
        for module in (batches, ledger, pairs):
            patch.setattr(module, "client", sandbox.client)
        yield sandbox


def _deploy(sandbox: Sandbox, out: Path) -> None:
    cdk = Cdk(sandbox.environment(), out)
    cdk.bootstrap(ACCOUNT, REGION, lambda _: None)
    cdk.deploy([{"name": "fraud", "plan": "canary"}], lambda _: None, "slipway-state", "slipway-delivery")


def _bucket(sandbox: Sandbox) -> str:
    stacks = sandbox.client("cloudformation").describe_stacks(StackName=f"{names.PREFIX}-state")["Stacks"]
    return next(str(o["OutputValue"]) for o in stacks[0]["Outputs"] if o["OutputKey"] == "BucketName")


def _seen(release_id: str, expected: dict[int, dict[str, float]]) -> dict[int, dict[str, Any]]:
    """The totals that are expected, as they are now."""
    steps = pairs.by_step(release_id)
    numbers = {step: steps[step].numbers() if step in steps else {} for step in expected}
    return {step: {name: numbers[step].get(name) for name in sums} for step, sums in expected.items()}


def _counts(sums: dict[int, dict[str, Any]]) -> dict[tuple[int, str], Any]:
    """How many of each have been added up; what they add up to is for the test to compare."""
    return {(step, name): n for step, of in sums.items() for name, n in of.items() if name.endswith((".n", "pairs"))}


def _settled(release_id: str, expected: dict[int, dict[str, float]]) -> dict[int, dict[str, Any]]:
    """The totals once as much was counted as there is, or as they are after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while _counts(seen := _seen(release_id, expected)) != _counts(expected) and time.monotonic() < deadline:
        time.sleep(0.3)
    return seen


def test_captured_objects_and_labels_become_the_totals_of_their_release(deployed: Sandbox) -> None:
    known = replace(release(), threshold=0.4)
    assert ledger.create(known, rel.entry(known, "CREATED", "test", traffic.START, "test"))
    known = ledger.write(rel.in_place(rel.advance(known, traffic.START, "test"), traffic.SHADOW_AT))
    known = ledger.write(rel.in_place(rel.advance(known, traffic.CANARY_AT, "test"), traffic.PLACED_AT))
    made = traffic.requests(seed=3, count=50)
    expected = traffic.joined(made, known.threshold)
    bucket, s3 = _bucket(deployed), deployed.client("s3")
    for key, lines in traffic.objects(made, seconds=240).items():
        s3.put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    seen = _settled(known.id, expected)
    for step, sums in expected.items():
        assert seen[step] == pytest.approx(sums, rel=1e-6)
    undelivered = deployed.client("sqs").get_queue_url(QueueName=f"{names.PREFIX}-undelivered")["QueueUrl"]
    assert "Messages" not in deployed.client("sqs").receive_message(QueueUrl=undelivered)
