import re

import pytest

from tests.infra.synthesis import Template, of_type, statements

# Actions for which the service knows no resource that a policy could name, so that it must say `*`.
NO_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListHyperParameterTuningJobs",
    "sagemaker:ListModelPackages",
    "sagemaker:ListModels",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # Step Functions' delivery of its log
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
# A `*` inside an ARN stands for what one endpoint, one prefix or one state machine owns.
ENDPOINT = "(fraud|churn|returns)"
PARTIAL = [
    rf":(model|endpoint-config)/{ENDPOINT}-\*$",
    rf":model-package/{ENDPOINT}/\*$",
    rf"/(models|data|code|capture|ground-truth|monitoring|retraining|jobs|(capture|ground-truth)/{ENDPOINT}|monitoring/{ENDPOINT}/(model-monitor|baselines|labelled|counts))/\*$",
    rf":(training|processing)-job/{ENDPOINT}-retrain-\*$",
    rf":(hyper-parameter-tuning|training)-job/{ENDPOINT}-tune-\*$",
    rf":processing-job/{ENDPOINT}-(label|holdout)-\*$",
    rf":log-group:/aws/sagemaker/(\*Jobs|Endpoints/{ENDPOINT})(:\*)?$",
    rf":alarm:TargetTracking-endpoint/{ENDPOINT}/variant/\*$",
    r":execution:slipway-(promotion|retraining|monitoring):\*$",
    r":scalable-target/\*$",
]


def all_statements(templates: dict[str, Template]) -> list[dict]:
    return [statement for template in templates.values() for statement in statements(template)]


def role_of(templates: dict[str, Template], verb: str) -> list[dict]:
    """The statements of one function's role."""
    for template in templates.values():
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::IAM::Policy" and name.startswith(f"{verb}RoleDefaultPolicy"):
                return [*statements({"Resources": {name: resource}})]
    raise AssertionError(f"no policy for {verb}")


def test_actions_are_named_one_by_one(templates: dict[str, Template]) -> None:
    assert not [action for s in all_statements(templates) for action in s["Action"] if "*" in action]


def test_everything_is_allowed_only_where_no_resource_can_be_named(templates: dict[str, Template]) -> None:
    everywhere = {action for s in all_statements(templates) if "*" in s["Resource"] for action in s["Action"]}
    assert everywhere == NO_RESOURCE


def test_a_star_in_an_arn_stands_for_what_one_owner_has(templates: dict[str, Template]) -> None:
    starred = {r for s in all_statements(templates) for r in s["Resource"] if "*" in r and r != "*"}
    assert not [resource for resource in starred if not any(re.search(pattern, resource) for pattern in PARTIAL)]
    assert not [pattern for pattern in PARTIAL if not any(re.search(pattern, resource) for resource in starred)]


def test_no_role_has_a_policy_that_somebody_else_edits(templates: dict[str, Template]) -> None:
    roles = [role for template in templates.values() for role in of_type(template, "AWS::IAM::Role")]
    assert not [role for role in roles if "ManagedPolicyArns" in role]


@pytest.mark.parametrize("verb", ["Shift", "Settle"])
def test_serving_roles_are_passed_to_sagemaker_only(templates: dict[str, Template], verb: str) -> None:
    (passed,) = [s for s in role_of(templates, verb) if "iam:PassRole" in s["Action"]]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert len(passed["Resource"]) == 3
    assert all("ServingRole" in resource for resource in passed["Resource"])


@pytest.mark.parametrize("verb", ["Admit", "Judge", "Operate"])
def test_who_only_looks_and_decides_can_change_nothing_in_sagemaker(templates: dict[str, Template], verb: str) -> None:
    actions = {action for s in role_of(templates, verb) for action in s["Action"] if action.startswith("sagemaker:")}
    assert not [action for action in actions if not action.startswith("sagemaker:Describe")]


def test_only_what_clears_away_deletes_models_and_configs(templates: dict[str, Template]) -> None:
    verbs = ["Admit", "Shift", "Judge", "Settle", "RollBack", "Operate", "Frame"]
    deletes = {"sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"}
    able = {verb for verb in verbs for s in role_of(templates, verb) if deletes & set(s["Action"])}
    assert able == {"Settle", "Frame"}


def test_nobody_may_delete_an_endpoint(templates: dict[str, Template]) -> None:
    assert not [s for s in all_statements(templates) if "sagemaker:DeleteEndpoint" in s["Action"]]


def test_the_state_machine_calls_five_functions_and_itself(templates: dict[str, Template]) -> None:
    calls = {action: s["Resource"] for s in role_of(templates, "PromotionMachine") for action in s["Action"]}
    called = {re.match(r"<(\w+?)[0-9A-F]{8}\.Arn>", resource)[1] for resource in calls["lambda:InvokeFunction"]}
    assert called == {"Admit", "Shift", "Judge", "Settle", "RollBack"}
    assert [arn.rsplit(":", 1)[-1] for arn in calls["states:StartExecution"]] == ["slipway-promotion"]
