"""`cdk destroy --all` leaves behind what is meant to stay, and nothing else."""

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def destroyed(site: Site) -> Site:
    site.bucket = site.world.outputs()["BucketName"]
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
    assert destroyed.client("s3").head_bucket(Bucket=destroyed.bucket)
    aliases = destroyed.client("kms").list_aliases()["Aliases"]
    assert destroyed.client("sagemaker").list_model_packages(ModelPackageGroupName=ENDPOINT)["ModelPackageSummaryList"]
    key = next((a["TargetKeyId"] for a in aliases if a["AliasName"] == f"alias/{names.PREFIX}"), None)
    keys = [k["KeyId"] for k in destroyed.client("kms").list_keys()["Keys"]]
    states = [
        destroyed.client("kms").describe_key(KeyId=k)["KeyMetadata"]["KeyState"] for k in ([key] if key else keys)
    ]
    assert "Enabled" in states
