from dataclasses import replace

import pytest

from slipway import admission, names
from slipway.admission import Package, Refused
from slipway.frame import Frame
from slipway.minutes import Arm, Minute
from slipway.traffic import Observed, Running

DIGEST = "ab" * 32
MANIFEST = {"xgboost_version": "3.2.0", "features": [{"name": "V1", "min": -3.5}, {"name": "Amount", "min": 0}]}
OBSERVED = Observed("InService", "fraud-first", (Running("baseline", 1.0, 3, 1.0, 3),))


@pytest.fixture
def package(frame: Frame) -> Package:
    return Package(
        arn="arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/7",
        group="fraud",
        version=7,
        status="Approved",
        image=frame.image,
        artifact="s3://bucket/models/x/model.tar.gz",
        metadata={names.ARTIFACT_SHA256: DIGEST},
        changed_at="2026-01-01T00:00:00",
    )


def admit(package: Package, frame: Frame, observed: Observed = OBSERVED, **change: object):
    given = {"digest": DIGEST, "manifest": MANIFEST, "past": None, **change}
    return admission.admit(package, frame, observed, "fraud-first", execution="arn:e", at=5.0, **given)  # type: ignore[arg-type]


def test_an_approved_package_becomes_a_release_that_knows_what_it_replaces(package: Package, frame: Frame) -> None:
    release = admit(package, frame)
    assert (release.endpoint, release.baseline, release.baseline_config) == ("fraud", "fraud-first", "fraud-first")
    assert release.instances == 3
    assert release.probe == "-3.5,0"
    assert names.endpoint_of(release.id) == "fraud"


def test_a_release_notes_how_long_its_steps_take_at_the_traffic_there_is(package: Package, frame: Frame) -> None:
    past = [Minute(60.0 * at, Arm(180, errors=int(at % 10 < 7)), Arm()) for at in range(1440)]
    release = admit(package, frame, past=past)
    assert release.outlook.startswith(
        "at 3 requests/s with 0.39 % errors, as in the last day; shadow 0 % advances after"
    )
    assert release.outlook.count("advances after") == len(frame.plan.steps)


def test_traffic_that_nobody_knows_refuses_nothing_and_is_said(package: Package, frame: Frame) -> None:
    assert "CloudWatch did not say" in admit(package, frame, past=None).outlook
    assert "no request in the last day" in admit(package, frame, past=[]).outlook


def test_a_repeated_approval_event_finds_the_same_release(package: Package) -> None:
    assert admission.release_id(package) == admission.release_id(replace(package))


def test_approving_again_later_is_another_release(package: Package) -> None:
    assert admission.release_id(package) != admission.release_id(replace(package, changed_at="2026-01-02"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "Rejected"}, "is Rejected; only an Approved"),
        ({"image": "other:3.2-0"}, "change `image` in cdk.json"),
        ({"metadata": {}}, "python -m training.register"),
        ({"metadata": {names.ARTIFACT_SHA256: "cd" * 32}}, "was changed after registration"),
    ],
)
def test_a_package_that_is_not_what_was_registered_is_refused(
    package: Package, frame: Frame, change: dict[str, object], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        admit(replace(package, **change), frame)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["3.1.4", "3.20.0", ""])
def test_a_model_trained_with_another_xgboost_is_refused(package: Package, frame: Frame, version: str) -> None:
    with pytest.raises(Refused, match="can change scores without an error"):
        admit(package, frame, manifest={**MANIFEST, "xgboost_version": version})


def test_an_endpoint_without_a_baseline_in_service_admits_nothing(package: Package, frame: Frame) -> None:
    with pytest.raises(Refused, match="the endpoint is Failed"):
        admit(package, frame, replace(OBSERVED, status="Failed"))


def test_a_manifest_without_features_is_refused(package: Package, frame: Frame) -> None:
    with pytest.raises(Refused, match="lists no features"):
        admit(package, frame, manifest={"xgboost_version": "3.2.0"})
