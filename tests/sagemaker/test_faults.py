"""The fault switches: each physical failure as a client of SageMaker meets it."""

import json
import urllib.error

import pytest

from tests.sagemaker.support import refused, until

pytestmark = pytest.mark.sandbox


def weigh(sagemaker, endpoint, weight):
    change = [{"VariantName": "candidate", "DesiredWeight": weight}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=change)


def candidate(described):
    return described["ProductionVariants"][1]["CurrentWeight"], described["ProductionVariants"][1]["DesiredWeight"]


def test_a_silent_rollback_leaves_the_old_config_and_no_reason(gateway, sagemaker, endpoint, settled, make_config):
    make_config(f"{endpoint}-next", {"baseline": 1})
    gateway.faults(endpoint=endpoint, next_update="silent_rollback")
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-next")
    described = settled(endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == f"{endpoint}-first"
    assert "FailureReason" not in described
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-next")
    assert settled(endpoint)["EndpointConfigName"] == f"{endpoint}-next"


def test_a_silently_rolled_back_weight_is_neither_current_nor_desired(gateway, sagemaker, endpoint, settled, dataplane):
    gateway.faults(endpoint=endpoint, next_update="silent_rollback")
    weigh(sagemaker, endpoint, 5)
    assert candidate(settled(endpoint)) == (1, 1)
    assert dataplane.weights(endpoint)["candidate"] == 1


def test_a_failed_update_ends_as_failed_with_a_reason_and_can_only_be_deleted(gateway, sagemaker, endpoint, settled):
    gateway.faults(endpoint=endpoint, next_update="fail")
    weigh(sagemaker, endpoint, 5)
    described = settled(endpoint)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"]
    code, message = refused(weigh, sagemaker=sagemaker, endpoint=endpoint, weight=2)
    assert (code, message[:29]) == ("ValidationException", "Cannot update failed endpoint")
    sagemaker.delete_endpoint(EndpointName=endpoint)


def test_a_failed_rollback_can_be_updated_again(gateway, sagemaker, endpoint, settled):
    gateway.faults(endpoint=endpoint, next_update="rollback_failed")
    weigh(sagemaker, endpoint, 5)
    assert settled(endpoint)["EndpointStatus"] == "UpdateRollbackFailed"
    weigh(sagemaker, endpoint, 0)
    described = settled(endpoint)
    assert (described["EndpointStatus"], candidate(described)) == ("InService", (0, 0))
    assert "FailureReason" not in described


def test_a_hanging_update_goes_on_when_the_faults_are_cleared(gateway, sagemaker, endpoint, settled):
    gateway.faults(endpoint=endpoint, next_update="hang")
    weigh(sagemaker, endpoint, 5)
    with pytest.raises(AssertionError, match="still"):
        until(
            lambda: sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"],
            lambda status: status != "Updating",
            seconds=1,
        )
    gateway.faults("DELETE")
    assert candidate(settled(endpoint)) == (5, 5)


def test_a_refused_update_changes_nothing(gateway, sagemaker, endpoint):
    gateway.faults(endpoint=endpoint, next_update="refuse")
    assert refused(weigh, sagemaker=sagemaker, endpoint=endpoint, weight=5)[0] == "ResourceLimitExceeded"
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (described["EndpointStatus"], candidate(described)) == ("InService", (1, 1))


def test_throttled_calls_are_refused_as_often_as_asked_and_only_for_that_endpoint(gateway, sagemaker, endpoint):
    gateway.faults(endpoint=endpoint, throttle=2)
    sagemaker.list_endpoints()
    for _ in range(2):
        assert refused(sagemaker.describe_endpoint, EndpointName=endpoint) == ("ThrottlingException", "Rate exceeded")
    sagemaker.describe_endpoint(EndpointName=endpoint)


def test_maintenance_shows_as_system_updating_and_allows_no_update(gateway, sagemaker, endpoint):
    gateway.faults(endpoint=endpoint, maintenance=True)
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "SystemUpdating"
    code, message = refused(weigh, sagemaker=sagemaker, endpoint=endpoint, weight=5)
    assert (code, message[:32]) == ("ValidationException", "Cannot update in-progress endpoi")
    gateway.faults(endpoint=endpoint, maintenance=False)
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


@pytest.mark.parametrize("body", [{"next_update": "explode"}, {"nonsense": 1}, {"throttle": "many"}])
def test_a_fault_that_does_not_exist_is_refused(gateway, body):
    with pytest.raises(urllib.error.HTTPError) as caught:
        gateway.faults(**body)
    assert caught.value.code == 400
    assert json.load(caught.value)["message"]
