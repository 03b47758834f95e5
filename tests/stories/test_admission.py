"""What becomes of approvals: one release each, one at a time, and none for a package that is not what it says."""

import io
import json
import tarfile
import time
from typing import Any

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site, until
from training import register

pytestmark = pytest.mark.sandbox


def outputs(site: Site, package: str) -> list[dict[str, Any]]:
    """What the ended executions of a package's approval answered."""
    return [json.loads(e["output"]) for e in site.executions(package) if e["status"] == "SUCCEEDED"]


def test_repeated_approval_events_make_one_release(site: Site) -> None:
    site.switch(duplicate_events=True)
    package = site.approve()
    release_id = site.started(package)
    until(lambda: len(site.executions(package)) == 2, "both events have started an execution")
    until(lambda: outputs(site, package), "one of the two executions has ended")
    assert [output["next"] for output in outputs(site, package)] == ["duplicate"]
    assert [release["id"] for release in site.releases(package)] == [release_id]


def test_an_approval_during_a_release_waits_for_its_end_and_then_runs(site: Site) -> None:
    first = site.in_shadow()
    package = site.approve("nan")
    execution = until(lambda: site.executions(package), "the second approval has started an execution")[0]
    until(lambda: waits(site, execution["executionArn"]) >= 2, "it looks for its turn again and again")
    assert not site.releases(package)
    site.operate("abort", "room for the next one")
    second = site.started(package)
    assert site.release(first)["phase"] == "ROLLED_BACK"
    assert site.release(second)["execution"] == execution["executionArn"]
    assert_nan_is_caught_in_shadow(site, second)


def assert_nan_is_caught_in_shadow(site: Site, release_id: str) -> None:
    release = site.reaches(release_id, "ROLLED_BACK")
    decided = next(line for line in site.history(release_id) if line["what"] == "ROLLING_BACK")
    assert (decided["by"], decided["verdict"]["decision"]) == ("judge", "REGRESSION")
    assert "no finite number" in decided["reason"]
    assert max(line["weight"] for line in site.history(release_id)) == 0
    assert site.routed(release["candidate"])["routed"] == 0


def test_a_package_that_is_not_what_it_says_is_refused_and_people_are_told_why(site: Site) -> None:
    trained = fetch(site, site.candidate)
    changed, old = put(site, trained), put(site, with_manifest(trained, xgboost_version="3.0.5"))
    packages = {"changed after registration": add(site, changed), "another version can change scores": add(site, old)}
    put(site, with_manifest(trained, framework="another"), changed)
    for package in packages.values():
        site.world.approve(package)
    for reason, package in packages.items():
        answer = until(lambda: outputs(site, package), f"{package} has been answered")[0]  # noqa: B023
        assert (answer["next"], site.releases(package)) == ("refused", [])
        assert reason in answer["reason"]
        told = [message for message in site.messages() if message["subject"].startswith("REFUSED")]
        assert [message for message in told if reason in message["body"] and package in message["body"]]


def waits(site: Site, execution: str) -> int:
    """How often an execution has gone into its waiting state."""
    events = site.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000)["events"]
    return sum(event["type"] == "WaitStateEntered" for event in events)


def fetch(site: Site, address: str) -> bytes:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bytes(site.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def put(site: Site, artifact: bytes, address: str = "") -> str:
    address = address or f"s3://{site.world.outputs()['BucketName']}/{names.MODELS}/{time.time_ns()}/model.tar.gz"
    bucket, _, key = address.removeprefix("s3://").partition("/")
    site.client("s3").put_object(Bucket=bucket, Key=key, Body=artifact)
    return address


def add(site: Site, address: str) -> str:
    """A package version that waits for approval."""
    image = site.world.image
    return register.register(site.client("sagemaker"), site.client("s3"), artifact=address, group=ENDPOINT, image=image)


def with_manifest(artifact: bytes, **changes: str) -> bytes:
    """The same artifact with another manifest."""
    made = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as old, tarfile.open(fileobj=made, mode="w:gz") as new:
        for member in old:
            reader = old.extractfile(member)
            content = reader.read() if reader else b""
            if member.name == "manifest.json":
                content = json.dumps(json.loads(content) | changes).encode()
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return made.getvalue()
