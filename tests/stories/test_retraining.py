"""A person starts a retraining: from captured traffic and its labels to a release, a refusal, or a stop."""

import json
from typing import Any

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import names
from slipway.lineage import CANDIDATE
from tests.stories import tracked
from tests.stories.retrained import Past, answer, assert_stopped, ended, in_state, run_of, start
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox


def test_an_empty_input_trains_a_better_model_and_an_answer_releases_it(site: Site, past: Past) -> None:
    past.write()
    before = site.served()
    execution = start(site)
    asked = in_state(site, execution, "AWAITING")
    assert site.served() == before
    package = site.client("sagemaker").describe_model_package(ModelPackageName=asked["package"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"]["slipway:run"] == asked["id"]
    assert_tracked(site, asked)
    answer(site, asked["id"], "approve", "read it")
    assert ended(site, execution)["status"] == "SUCCEEDED"
    run = run_of(site, execution)
    assert run and run["state"] == "APPROVED"
    legs = {leg["state"]: leg for leg in run["legs"]}
    assert legs["AWAITING"]["says"] == "ana@example.com: read it"
    assert all(legs[leg]["cost"] > 0 for leg in ("ASSEMBLING", "TRAINING", "COMPARING", "PROFILING"))
    assert baseline_of(site, asked["package"])["package"] == asked["id"]
    site.reaches(site.started(asked["package"]), "SHADOW")
    until(lambda: tracked.package(site, CANDIDATE) == asked["package"], "what is released is MLflow's candidate")


def test_a_challenger_that_learnt_noise_is_refused_and_the_champion_stays(site: Site, past: Past) -> None:
    past.write(mislabelled=0.7)
    before, packages = site.served(), count_packages(site)
    execution = start(site, by="ana@example.com", reason="a new campaign")
    assert json.loads(ended(site, execution)["output"])["gate"]["next"] == "refused"
    run = run_of(site, execution)
    assert run and run["state"] == "REFUSED" and run["reasons"]
    assert any(m["subject"] == f"NOT BETTER: fraud run {run['id']}" for m in site.messages())
    assert (site.served(), count_packages(site), site.in_progress()) == (before, packages, None)


def test_a_stopped_run_leaves_no_job_behind_and_one_that_is_rejected_no_release(site: Site, past: Past) -> None:
    past.write()
    before = site.served()
    stop_while_assembling(site, start(site, by="bo@example.com", reason="by mistake"))
    again = start(site)
    asked = in_state(site, again, "AWAITING")
    answer(site, asked["id"], "reject", "not before the holidays")
    assert ended(site, again)["status"] == "SUCCEEDED"
    run = run_of(site, again)
    assert run and run["state"] == "REJECTED" and run["reasons"] == ["ana@example.com: not before the holidays"]
    package = site.client("sagemaker").describe_model_package(ModelPackageName=asked["package"])
    assert package["ModelApprovalStatus"] == "Rejected"
    assert (site.served(), site.in_progress()) == (before, None)


def assert_tracked(site: Site, run: dict[str, Any]) -> None:
    """MLflow has the run's version as candidate, with its numbers and where they come from."""
    until(lambda: tracked.package(site, CANDIDATE) == run["package"], "MLflow has the candidate")
    version = tracked.version(site, CANDIDATE)
    kept = tracked.client(site).get_run(version.run_id)
    metadata = site.client("sagemaker").describe_model_package(ModelPackageName=run["package"])
    told = {key.replace(":", "."): value for key, value in metadata["CustomerMetadataProperties"].items()}
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics["slipway.holdout-log-loss"] == float(told["slipway.holdout-log-loss"])
    for name in ("slipway.run", "slipway.trigger", "slipway.dataset-sha256", "slipway.code-sha256", "slipway.champion"):
        assert kept.data.tags[name] == told[name]
    assert version.source == metadata["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]


def stop_while_assembling(site: Site, execution: str) -> None:
    states, sagemaker = site.client("stepfunctions"), site.client("sagemaker")
    job = f"{in_state(site, execution, 'ASSEMBLING')['id']}-data-0"
    listed = lambda: sagemaker.list_processing_jobs(NameContains=job)["ProcessingJobSummaries"]  # noqa: E731
    until(listed, "the job has been created")
    states.stop_execution(executionArn=execution, cause="a mistake")
    until(lambda: listed()[0]["ProcessingJobStatus"] == "Stopped", "the job is stopped")
    assert_stopped(site, execution)


def baseline_of(site: Site, package: str) -> dict[str, Any]:
    """The reference where monitoring looks for that of the package."""
    key = names.monitored(ENDPOINT, names.BASELINES, names.version(package), "reference.json")
    found = site.client("s3").get_object(Bucket=site.world.outputs()["BucketName"], Key=key)
    return dict(json.load(found["Body"]))


def count_packages(site: Site) -> int:
    found = site.client("sagemaker").list_model_packages(ModelPackageGroupName=ENDPOINT)
    return len(found["ModelPackageSummaryList"])
