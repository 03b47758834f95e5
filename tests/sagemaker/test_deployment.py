"""What an endpoint serves next, from its config and what it serves now."""

import pytest

from sandbox.sagemaker.deployment import PRODUCTION, SHADOW, Deployment, from_config, retain

MODELS = {name: {"name": name, "artifact": f"s3://b/{name}", "image": "i", "environment": {}} for name in "mn"}


def config(production, shadow=None, capture=None):
    def variants(weights):
        return [
            {
                "VariantName": name,
                "ModelName": "m",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": count,
                "InitialVariantWeight": weight,
            }
            for name, (weight, count) in weights.items()
        ]

    made = {"EndpointConfigName": "c", "EndpointConfigArn": "arn:c", "ProductionVariants": variants(production)}
    if shadow:
        made["ShadowProductionVariants"] = variants(shadow)
    return made | ({"DataCaptureConfig": capture} if capture else {})


def numbers(deployment: Deployment):
    return {v.name: (v.kind, v.desired_weight, v.desired_instances) for v in deployment.variants}


OLD = config({"baseline": (5, 4), "candidate": (3, 2)})
NEW = config({"baseline": (1, 1), "candidate": (0, 1), "third": (2, 1)})


@pytest.mark.parametrize(
    ("excluded", "baseline"),
    [
        (set(), (PRODUCTION, 5, 4)),
        ({"DesiredWeight"}, (PRODUCTION, 1, 4)),
        ({"DesiredInstanceCount"}, (PRODUCTION, 5, 1)),
        ({"DesiredWeight", "DesiredInstanceCount"}, (PRODUCTION, 1, 1)),
    ],
)
def test_retained_properties_are_those_not_excluded(excluded, baseline):
    new = from_config(NEW, MODELS)
    retain(new, from_config(OLD, MODELS), excluded)
    assert numbers(new)["baseline"] == baseline
    assert numbers(new)["third"] == (PRODUCTION, 2, 1)


def test_a_shadow_variant_hands_no_weight_to_the_production_variant_of_its_name():
    old = from_config(config({"baseline": (1, 1)}, shadow={"candidate": (1, 3)}), MODELS)
    new = from_config(config({"baseline": (1, 1), "candidate": (0, 1)}), MODELS)
    assert numbers(old)["candidate"] == (SHADOW, 1, 3)
    retain(new, old, set())
    assert numbers(new)["candidate"] == (PRODUCTION, 0, 1)


def test_the_old_capture_is_retained_unless_excluded():
    capture = {"EnableCapture": True, "InitialSamplingPercentage": 10, "CaptureOptions": []}
    old = from_config(config({"baseline": (1, 1)}, capture=capture), MODELS)
    kept, changed = from_config(OLD, MODELS), from_config(OLD, MODELS)
    retain(kept, old, set())
    retain(changed, old, {"DataCaptureConfig"})
    assert kept.capture == capture
    assert changed.capture is None


def test_a_later_change_of_the_config_record_does_not_reach_the_deployment():
    capture = {"EnableCapture": True, "InitialSamplingPercentage": 10, "CaptureOptions": []}
    record = config({"baseline": (1, 1)}, capture=capture)
    deployment = from_config(record, MODELS)
    record["DataCaptureConfig"]["EnableCapture"] = False
    assert deployment.capture["EnableCapture"]


@pytest.mark.parametrize(
    ("modes", "options"),
    [
        (["Input"], ["Input"]),
        (["Output"], ["Output"]),
        (["InputAndOutput"], ["Input", "Output"]),
        (["Output", "Input"], ["Input", "Output"]),
    ],
)
def test_capture_options_are_told_side_by_side(modes, options):
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
    }
    routing = from_config(config({"baseline": (1, 1)}, capture=capture), MODELS).routing(1)
    assert routing["capture"]["options"] == options


def test_capture_that_is_off_is_no_capture():
    capture = {"EnableCapture": False, "InitialSamplingPercentage": 10, "CaptureOptions": []}
    assert from_config(config({"baseline": (1, 1)}, capture=capture), MODELS).routing(1)["capture"] is None
