"""`cdk destroy --all` leaves behind what is meant to stay, and nothing else."""

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def destroyed(site: Site) -> Site:
    site.world.users.stop()
    site.world.cdk.run("destroy", "--all", "--force", "-c", site.context())
    return site


def test_nothing_that_serves_is_left(destroyed: Site) -> None:
    sagemaker = destroyed.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    targets = destroyed.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    assert targets["ScalableTargets"] == []
    assert destroyed.world.dataplane() == {}


def test_nothing_that_acts_is_left(destroyed: Site) -> None:
    assert destroyed.client("lambda").list_functions()["Functions"] == []
    assert destroyed.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert destroyed.client("events").list_rules()["Rules"] == []
    assert destroyed.client("sqs").list_queues().get("QueueUrls", []) == []
    assert destroyed.client("sns").list_topics()["Topics"] == []
    alarms = destroyed.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert alarms["MetricAlarms"] + alarms["CompositeAlarms"] == []


def test_no_role_and_no_log_of_ours_is_left(destroyed: Site) -> None:
    roles = destroyed.client("iam").get_paginator("list_roles").paginate().build_full_result()["Roles"]
    assert [r["RoleName"] for r in roles if r["RoleName"].startswith(f"{names.PREFIX}-")] == []
    groups = destroyed.client("logs").describe_log_groups()["logGroups"]
    assert [g["logGroupName"] for g in groups if names.PREFIX in g["logGroupName"]] == []


def test_ledger_bucket_key_and_registry_stay(destroyed: Site) -> None:
    assert destroyed.releases()
    assert not destroyed.in_progress()
    buckets = [bucket["Name"] for bucket in destroyed.client("s3").list_buckets()["Buckets"]]
    assert len([name for name in buckets if name.startswith(f"{names.PREFIX}-state-store")]) == 1
    assert destroyed.client("sagemaker").list_model_packages(ModelPackageGroupName=ENDPOINT)["ModelPackageSummaryList"]
    keys = [key["KeyId"] for key in destroyed.client("kms").list_keys()["Keys"]]
    described = [destroyed.client("kms").describe_key(KeyId=key)["KeyMetadata"] for key in keys]
    assert [key["KeyState"] for key in described if "Slipway" in key["Description"]] == ["Enabled"]
