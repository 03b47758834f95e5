"""Endpoints through the API, against a data plane that writes down what it is told."""

import threading
import time
from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, ENDPOINT_SECONDS, IMAGE, SPEED, refused, until

pytestmark = pytest.mark.sandbox
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}


def weights(described: dict[str, Any], member: str = "CurrentWeight") -> dict[str, float]:
    return {variant["VariantName"]: variant[member] for variant in described["ProductionVariants"]}


def shift(sagemaker: Any, name: str, **desired: float) -> None:
    changes = [{"VariantName": variant, "DesiredWeight": weight} for variant, weight in desired.items()]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=changes)


def test_a_new_endpoint_is_in_service_only_once_the_data_plane_serves_it(sagemaker, make_config, settled, dataplane):
    make_config("birth-first", {"baseline": 1}, DataCaptureConfig=CAPTURE)
    sagemaker.create_endpoint(EndpointName="birth", EndpointConfigName="birth-first")
    creating = sagemaker.describe_endpoint(EndpointName="birth")
    assert creating["EndpointStatus"] == "Creating"
    assert creating["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating"
    assert not [body for name, body in dataplane.calls if name == "birth"]
    described = settled("birth")
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert (described["LastModifiedTime"] - described["CreationTime"]).total_seconds() >= ENDPOINT_SECONDS
    assert dataplane.last("birth") == {
        "version": 1,
        "config_name": "birth-first",
        "endpoint_config_arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/birth-first",
        "capture": {
            "sampling_percentage": 100,
            "destination": f"s3://{BUCKET}/capture",
            "options": ["Input", "Output"],
            "csv": ["text/csv"],
            "json": ["application/json"],
        },
        "variants": [
            {
                "name": "baseline",
                "kind": "production",
                "weight": 1.0,
                "instances": 1,
                "model": {
                    "name": "Model-a",
                    "artifact": f"s3://{BUCKET}/models/a/model.tar.gz",
                    "image": IMAGE,
                    "environment": {"A": "1"},
                },
            }
        ],
    }


def test_an_endpoint_whose_container_does_not_start_ends_as_failed(sagemaker, make_config, settled, dataplane):
    make_config("stillborn-first", {"baseline": 1})
    dataplane.failures["baseline"] = "model_fn raised ValueError"
    sagemaker.create_endpoint(EndpointName="stillborn", EndpointConfigName="stillborn-first")
    described = settled("stillborn")
    assert described["EndpointStatus"] == "Failed"
    assert "model_fn raised ValueError" in described["FailureReason"]
    code, message = refused(sagemaker.update_endpoint, EndpointName="stillborn", EndpointConfigName="stillborn-first")
    assert (code, message.split('"')[0]) == ("ValidationException", "Cannot update failed endpoint ")
    sagemaker.delete_endpoint(EndpointName="stillborn")


def test_new_weights_are_desired_at_once_and_current_after_the_data_plane_has_them(
    sagemaker, endpoint, settled, dataplane
):
    shift(sagemaker, endpoint, candidate=4)
    updating = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert updating["EndpointStatus"] == "Updating"
    assert weights(updating, "DesiredWeight") == {"baseline": 9, "candidate": 4}
    assert weights(updating) == {"baseline": 9, "candidate": 1}
    assert dataplane.weights(endpoint) == {"baseline": 9, "candidate": 1}
    assert weights(settled(endpoint)) == {"baseline": 9, "candidate": 4}
    assert dataplane.weights(endpoint) == {"baseline": 9, "candidate": 4}
    assert dataplane.last(endpoint)["version"] == 2


def test_instance_counts_change_like_weights(sagemaker, endpoint, settled, dataplane):
    change = [{"VariantName": "candidate", "DesiredInstanceCount": 3}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=change)
    assert settled(endpoint)["ProductionVariants"][1]["CurrentInstanceCount"] == 3
    assert dataplane.last(endpoint)["variants"][1]["instances"] == 3


def test_an_endpoint_being_updated_refuses_every_change(sagemaker, endpoint):
    shift(sagemaker, endpoint, candidate=2)
    expected = (
        "ValidationException",
        f'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/{endpoint}".',
    )
    first = f"{endpoint}-first"
    assert refused(sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=first) == expected
    assert refused(sagemaker.delete_endpoint, EndpointName=endpoint) == expected
    change = [{"VariantName": "candidate", "DesiredWeight": 3}]
    weigh = sagemaker.update_endpoint_weights_and_capacities
    assert refused(weigh, EndpointName=endpoint, DesiredWeightsAndCapacities=change) == expected


def test_only_one_of_many_concurrent_updates_is_accepted(sagemaker, endpoint, settled):
    outcomes: list[str] = []

    def attempt(weight: float) -> None:
        try:
            shift(sagemaker, endpoint, candidate=weight)
            outcomes.append("accepted")
        except sagemaker.exceptions.ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=attempt, args=(weight,)) for weight in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ValidationException"] * 5 + ["accepted"]
    settled(endpoint)


def test_an_unknown_variant_is_refused_by_name(sagemaker, endpoint):
    change = [{"VariantName": "challenger", "DesiredWeight": 3}]
    weigh = sagemaker.update_endpoint_weights_and_capacities
    assert refused(weigh, EndpointName=endpoint, DesiredWeightsAndCapacities=change)[1] == (
        f'The variant name(s) "challenger" is/are not present within endpoint configuration "{endpoint}-first".'
    )


def test_update_endpoint_resets_weights_unless_told_to_retain_them(sagemaker, endpoint, settled, make_config):
    shift(sagemaker, endpoint, baseline=0.5, candidate=0.5)
    settled(endpoint)
    make_config(f"{endpoint}-next", {"baseline": 7, "candidate": 3}, DataCaptureConfig=CAPTURE)

    def update(**how: Any) -> dict[str, Any]:
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-next", **how)
        return settled(endpoint)

    retained = update(RetainAllVariantProperties=True)
    assert weights(retained) == {"baseline": 0.5, "candidate": 0.5}
    assert "DataCaptureConfig" not in retained
    excluded = [{"VariantPropertyType": "DesiredWeight"}, {"VariantPropertyType": "DataCaptureConfig"}]
    partly = update(RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded)
    assert weights(partly) == {"baseline": 7, "candidate": 3}
    assert partly["DataCaptureConfig"]["EnableCapture"]
    shift(sagemaker, endpoint, candidate=1)
    settled(endpoint)
    assert weights(update()) == {"baseline": 7, "candidate": 3}


def test_an_update_keeps_the_old_config_until_it_is_done(sagemaker, endpoint, settled, make_config, dataplane):
    make_config(f"{endpoint}-shadow", {"baseline": 1}, shadow={"candidate": 1})
    started = time.monotonic()
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-shadow")
    updating = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert updating["EndpointConfigName"] == f"{endpoint}-first"
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == f"{endpoint}-shadow"
    described = settled(endpoint)
    assert (time.monotonic() - started) * SPEED >= ENDPOINT_SECONDS
    assert described["EndpointConfigName"] == f"{endpoint}-shadow"
    assert described["ShadowProductionVariants"][0]["VariantName"] == "candidate"
    assert "PendingDeploymentSummary" not in described
    assert [v["kind"] for v in dataplane.last(endpoint)["variants"]] == ["production", "shadow"]


def test_an_update_whose_containers_do_not_start_rolls_back_without_a_word(
    sagemaker, endpoint, settled, make_config, dataplane
):
    make_config(f"{endpoint}-next", {"baseline": 1})
    dataplane.failures["baseline"] = "no ping"
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-next")
    described = settled(endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == f"{endpoint}-first"
    assert "FailureReason" not in described


def test_a_config_deleted_under_a_running_endpoint_leaves_it_running(sagemaker, endpoint, settled, dataplane):
    sagemaker.delete_endpoint_config(EndpointConfigName=f"{endpoint}-first")
    shift(sagemaker, endpoint, candidate=2)
    assert weights(settled(endpoint)) == {"baseline": 9, "candidate": 2}
    code, message = refused(sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=f"{endpoint}-first")
    assert (code, message.split(" ")[:3]) == ("ValidationException", ["Could", "not", "find"])


def test_a_deleted_endpoint_passes_through_deleting_and_leaves_the_data_plane(sagemaker, endpoint, dataplane):
    sagemaker.delete_endpoint(EndpointName=endpoint)
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Deleting"
    until(
        lambda: [e["EndpointName"] for e in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]],
        lambda names: endpoint not in names,
    )
    assert (endpoint, None) in dataplane.calls
    assert refused(sagemaker.describe_endpoint, EndpointName=endpoint) == (
        "ValidationException",
        f'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/{endpoint}".',
    )


def test_invocations_on_the_gateway_reach_the_data_plane_with_their_signature(gateway, dataplane):
    runtime = gateway.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName="fraud", Body=b"1,2\n", ContentType="text/csv", TargetVariant="baseline", InferenceId="i-1"
    )
    assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"0.25\n", "baseline")
    path, headers, body = dataplane.invocations[-1]
    assert (path, body) == ("/endpoints/fraud/invocations", b"1,2\n")
    assert headers["x-amzn-sagemaker-target-variant"] == "baseline"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=123456789012/")


def test_a_scaled_variant_can_not_be_removed_before_it_is_deregistered(
    gateway, sagemaker, endpoint, make_config, settled
):
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/candidate",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling = gateway.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    make_config(f"{endpoint}-alone", {"baseline": 1})
    update = {"EndpointName": endpoint, "EndpointConfigName": f"{endpoint}-alone"}
    assert refused(sagemaker.update_endpoint, **update) == (
        "ValidationException",
        f'The variant(s) "[endpoint/{endpoint}/variant/candidate]" must be deregistered as scalable targets with AWS '
        "Auto Scaling before they can be removed or have their instance type changed.",
    )
    scaling.deregister_scalable_target(**target)
    sagemaker.update_endpoint(**update)
    assert settled(endpoint)["EndpointConfigName"] == f"{endpoint}-alone"
    unknown = {**target, "MinCapacity": 1, "MaxCapacity": 2}
    assert refused(scaling.register_scalable_target, **unknown)[0] == "ValidationException"
