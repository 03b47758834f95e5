"""What people do in MLflow: the registry is right about what is its own, and theirs stays theirs."""

import json
from collections.abc import Iterator

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import lineage, names
from tests.stories import tracked
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox
CANDIDATE = lineage.CANDIDATE


@pytest.fixture
def waiting(site: Site) -> Iterator[str]:
    """A package that waits for a decision, and is the candidate in MLflow."""
    package = site.world.register(site.candidate)
    until(lambda: tracked.package(site, CANDIDATE) == package, "MLflow has the candidate")
    yield package
    site.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Rejected")
    until(lambda: tracked.version(site, CANDIDATE) is None, "what was rejected is no candidate in MLflow")


def reconcile(site: Site) -> dict[str, int]:
    """At once what the schedule does within the hour; the number of calls it took."""
    payload = json.dumps({"endpoint": ENDPOINT, "detail-type": "by hand"})
    answer = site.client("lambda").invoke(FunctionName=names.function("keep_mlflow"), Payload=payload)
    return dict(json.load(answer["Payload"]))


def test_mlflow_is_looked_at_every_hour(site: Site) -> None:
    name = names.function("keep_mlflow")
    group = site.client("lambda").get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    pages = site.client("logs").get_paginator("filter_log_events")
    lines = lambda: [e["message"] for page in pages.paginate(logGroupName=group) for e in page["events"]]  # noqa: E731
    until(lambda: any('"after":"schedule"' in line for line in lines()), "an hour has passed")


def test_what_was_done_by_hand_is_put_right_and_what_is_peoples_own_stays(site: Site, waiting: str) -> None:
    mlflow, seen = tracked.client(site), tracked.version(site, CANDIDATE)
    experiment = mlflow.get_experiment_by_name(lineage.experiment_name(ENDPOINT))
    own = mlflow.create_run(experiment.experiment_id, tags={"by": "ana"}).info.run_id
    mlflow.set_registered_model_alias(ENDPOINT, "anas-favourite", seen.version)
    mlflow.set_model_version_tag(ENDPOINT, seen.version, "reviewed", "ana")
    mlflow.set_model_version_tag(ENDPOINT, seen.version, lineage.STATUS_TAG, "Approved")
    mlflow.set_tag(seen.run_id, lineage.STATUS_TAG, "Approved")
    mlflow.delete_registered_model_alias(ENDPOINT, CANDIDATE)

    reconcile(site)
    repaired = tracked.version(site, CANDIDATE)
    assert repaired.tags == seen.tags | {"reviewed": "ana"}
    assert mlflow.get_run(repaired.run_id).data.tags[lineage.STATUS_TAG] == lineage.WAITING
    assert mlflow.get_run(own).data.tags["by"] == "ana"
    assert tracked.package(site, "anas-favourite") == waiting
    assert reconcile(site) == {"calls": 0}
