"""CloudFormation's SageMaker types: what Ref and GetAtt give, what is updated, what is replaced, what is refused."""

import json
from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, until

pytestmark = pytest.mark.sandbox
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


def template(role: str, *, endpoint: str, weight: str = "1", level: str = "1", config: str | None = None) -> Any:
    """A model, a config, an endpoint and a group; numbers are strings, as templates often have them."""
    variant = {
        "VariantName": "baseline",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": "1",
        "InitialVariantWeight": weight,
    }
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{BUCKET}/models/a/model.tar.gz",
        "Environment": {"LEVEL": level},
    }
    named = {"EndpointConfigName": config} if config else {}
    return {
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {"PrimaryContainer": container, "ExecutionRoleArn": role},
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {"ProductionVariants": [variant], **named},
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": endpoint,
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "RetainAllVariantProperties": "true",
                },
            },
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": f"{endpoint}-group"},
            },
        },
        "Outputs": {
            "Model": {"Value": {"Ref": "Model"}},
            "Config": {"Value": {"Ref": "Config"}},
            "Endpoint": {"Value": {"Ref": "Endpoint"}},
            "EndpointName": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
            "Group": {"Value": {"Ref": "Group"}},
            "GroupStatus": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}},
        },
    }


class Stack:
    """One stack of one test."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def apply(self, body: Any, **more: Any) -> str:
        """Create or update; returns the stack's last status."""
        exists = self.name in [stack["StackName"] for stack in self.client.describe_stacks()["Stacks"]]
        act = self.client.update_stack if exists else self.client.create_stack
        act(StackName=self.name, TemplateBody=json.dumps(body), **more)
        return self.settle()["StackStatus"]

    def settle(self) -> Any:
        return until(
            lambda: self.client.describe_stacks(StackName=self.name)["Stacks"][0],
            lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        )

    def outputs(self) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self.settle()["Outputs"]}

    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)


@pytest.fixture
def stack(request, gateway, s3) -> Stack:
    return Stack(gateway.client("cloudformation"), request.node.name.replace("_", "-")[:60].strip("-"))


def test_a_stack_makes_an_endpoint_and_takes_it_away_again(stack, sagemaker, role, dataplane):
    tags = [{"Key": "slipway:endpoint", "Value": "cfn-a"}]
    assert stack.apply(template(role, endpoint="cfn-a"), Tags=tags) == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert outputs["Endpoint"] == f"{ARN}:endpoint/cfn-a"
    assert outputs["EndpointName"] == "cfn-a"
    assert outputs["Group"] == f"{ARN}:model-package-group/cfn-a-group"
    assert outputs["GroupStatus"] == "Completed"
    assert outputs["Model"].startswith(f"{ARN}:model/")
    assert sagemaker.describe_endpoint(EndpointName="cfn-a")["EndpointStatus"] == "InService"
    assert dataplane.last("cfn-a")["variants"][0]["weight"] == 1.0
    assert tags[0] in sagemaker.list_tags(ResourceArn=outputs["Config"])["Tags"]
    stack.client.delete_stack(StackName=stack.name)
    until(
        lambda: [
            s["StackStatus"] for s in stack.client.list_stacks()["StackSummaries"] if s["StackName"] == stack.name
        ],
        lambda statuses: statuses == ["DELETE_COMPLETE"],
    )
    assert "cfn-a" not in [e["EndpointName"] for e in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]]
    assert dataplane.calls[-1] == ("cfn-a", None)
    names = [m["ModelArn"] for m in sagemaker.list_models(MaxResults=100)["Models"]]
    assert outputs["Model"] not in names


def test_a_changed_model_replaces_model_and_config_and_updates_the_endpoint(stack, sagemaker, role, dataplane):
    assert stack.apply(template(role, endpoint="cfn-b")) == "CREATE_COMPLETE", stack.reasons()
    before = stack.outputs()
    calls = len([name for name, _ in dataplane.calls if name == "cfn-b"])
    assert stack.apply(template(role, endpoint="cfn-b", level="2")) == "UPDATE_COMPLETE", stack.reasons()
    after = stack.outputs()
    assert before["Endpoint"] == after["Endpoint"]
    assert before["Model"] != after["Model"]
    assert before["Config"] != after["Config"]
    assert dataplane.last("cfn-b")["variants"][0]["model"]["environment"] == {"LEVEL": "2"}
    assert len([name for name, _ in dataplane.calls if name == "cfn-b"]) == calls + 1
    configs = [c["EndpointConfigArn"] for c in sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]]
    assert after["Config"] in configs
    assert before["Config"] not in configs


def test_a_redeploy_without_changes_of_the_config_never_touches_the_endpoint(
    stack, sagemaker, role, dataplane, settled
):
    body = template(role, endpoint="cfn-c")
    assert stack.apply(body) == "CREATE_COMPLETE", stack.reasons()
    change = [{"VariantName": "baseline", "DesiredWeight": 0.25}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="cfn-c", DesiredWeightsAndCapacities=change)
    settled("cfn-c")
    calls = len(dataplane.calls)
    body["Resources"]["Endpoint"]["Properties"]["Tags"] = [{"Key": "team", "Value": "risk"}]
    assert stack.apply(body) == "UPDATE_COMPLETE", stack.reasons()
    assert len(dataplane.calls) == calls
    described = sagemaker.describe_endpoint(EndpointName="cfn-c")
    assert described["ProductionVariants"][0]["CurrentWeight"] == 0.25
    assert {"Key": "team", "Value": "risk"} in sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"]


def test_a_custom_named_config_can_not_be_replaced_under_its_name(stack, sagemaker, role):
    assert stack.apply(template(role, endpoint="cfn-d", config="cfn-d-fixed")) == "CREATE_COMPLETE", stack.reasons()
    changed = template(role, endpoint="cfn-d", config="cfn-d-fixed", weight="2")
    assert stack.apply(changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot update a stack when a custom-named resource requires replacing" in stack.reasons()
    described = sagemaker.describe_endpoint_config(EndpointConfigName="cfn-d-fixed")
    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


def test_an_endpoint_that_fails_fails_the_stack_with_its_reason(stack, role, dataplane):
    dataplane.failures["baseline"] = "model_fn raised"
    assert stack.apply(template(role, endpoint="cfn-e")) == "ROLLBACK_COMPLETE"
    assert "did not pass the ping health check: model_fn raised" in stack.reasons()


def test_a_rolled_back_endpoint_update_fails_the_stack_update(stack, gateway, sagemaker, role):
    assert stack.apply(template(role, endpoint="cfn-f")) == "CREATE_COMPLETE", stack.reasons()
    gateway.faults(endpoint="cfn-f", next_update="silent_rollback")
    assert stack.apply(template(role, endpoint="cfn-f", level="2")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "was rolled back" in stack.reasons()
    assert sagemaker.describe_endpoint(EndpointName="cfn-f")["EndpointStatus"] == "InService"


def test_a_property_that_does_not_exist_is_named(stack, role):
    body = template(role, endpoint="cfn-g")
    body["Resources"]["Config"]["Properties"]["ProductionVariants"][0]["Wieght"] = 1
    assert stack.apply(body) == "ROLLBACK_COMPLETE"
    assert "Encountered unsupported property ProductionVariants.Wieght" in stack.reasons()
