"""MLflow follows the registry: what serves is the champion, what is on its way the candidate."""

from dataclasses import replace
from typing import Any

import pytest

from lambdas import keep_mlflow
from lambdas.aws import ledger, mlflow
from slipway.lineage import Wanted
from tests.lambdas.retraining import Jobs
from tests.lambdas.world import CONTEXT, FRAME, World


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Wanted]]:
    """What MLflow was to be brought in step with."""
    seen: list[tuple[str, Wanted]] = []
    monkeypatch.setattr(mlflow, "reconcile", lambda *given: len(seen.append(given) or seen))
    Jobs(world)
    rows = lambda **_: {"ModelPackageSummaryList": [_row(p) for p in world.sagemaker.packages.values()]}  # noqa: E731
    world.sagemaker.list_model_packages = rows
    ledger.put_frame(replace(FRAME, retraining=replace(FRAME.retraining, mlflow="http://127.0.0.1:1")))
    return seen


def _row(package: dict[str, Any]) -> dict[str, Any]:
    return {"ModelPackageArn": package["ModelPackageArn"], "CreationTime": package["CreationTime"]}


def test_a_release_under_way_is_the_candidate(world: World, asked: list[tuple[str, Wanted]]) -> None:
    arn = world.register()
    world.release()
    keep_mlflow.handler({"detail": {"ModelPackageGroupName": "fraud"}}, CONTEXT)
    ((server, wanted),) = asked
    assert (server, wanted.endpoint, wanted.candidate, wanted.champion) == ("http://127.0.0.1:1", "fraud", arn, "")
    assert [package.arn for package in wanted.packages] == [arn]


def test_a_version_that_waits_for_a_decision_is_the_candidate(world: World, asked: list[tuple[str, Wanted]]) -> None:
    arn = world.register(ModelApprovalStatus="PendingManualApproval")
    keep_mlflow.handler({"detail": {"ModelPackageGroupName": "fraud"}}, CONTEXT)
    assert asked[0][1].candidate == arn


def test_an_endpoint_that_has_changed_is_looked_at(world: World, asked: list[tuple[str, Wanted]]) -> None:
    keep_mlflow.handler({"detail": {"EndpointName": "fraud", "EndpointStatus": "IN_SERVICE"}}, CONTEXT)
    assert asked[0][1].endpoint == "fraud"


def test_the_package_whose_model_serves_is_the_champion(world: World, asked: list[tuple[str, Wanted]]) -> None:
    arn = world.register()
    variant = {"VariantName": "baseline", "ModelName": "fraud-7-3fa2c1"}
    world.sagemaker.configs["fraud-first"]["ProductionVariants"] = [variant]
    keep_mlflow.handler({"endpoint": "fraud"}, CONTEXT)
    assert (asked[0][1].champion, asked[0][1].candidate) == (arn, "")


def test_an_endpoint_without_a_server_is_left_alone(world: World, asked: list[tuple[str, Wanted]]) -> None:
    ledger.put_frame(FRAME)
    assert keep_mlflow.handler({"endpoint": "fraud"}, CONTEXT) == {"calls": 0}
    assert asked == []
