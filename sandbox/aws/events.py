"""EventBridge on virtual time, with each target reached only as its role or resource policy allows."""

import json
import logging
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, eventbridge, iam, scheduler, sns, sqs

from sandbox import clock as clocks
from sandbox.aws.patching import replace
from sandbox.aws.resource_policies import lambda_allows, topic_allows
from sandbox.aws.virtual_time import virtualise

SERVICE, SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"
SCHEDULE_TICK = 0.25  # real seconds between two looks at the scheduled rules and the schedules

logger = logging.getLogger(__name__)


def install(app: Any) -> None:
    clock = clocks.from_env()
    for module in (eventbridge, scheduler, sns, sqs, cloudwatch_logs):
        virtualise(module, clock)
    replace(eventbridge, "_SCHEDULER_TICK_INTERVAL", SCHEDULE_TICK)
    replace(scheduler, "_SCHEDULE_TICK_INTERVAL", SCHEDULE_TICK)
    invoke = replace(eventbridge, "_invoke_target", None)

    def invoke_if_allowed(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        iam_evaluator.pin_request_origin("127.0.0.1", True)
        if allowed(target, rule["Arn"]):
            invoke(target, event, rule, view)
        else:
            logger.warning("rule %s may not invoke its target %s", rule.get("Name"), target.get("Arn"))

    eventbridge._invoke_target = invoke_if_allowed


def allowed(target: dict[str, Any], rule_arn: str) -> bool:
    """Whether EventBridge may call the target for a rule or schedule; AWS counts a refusal as a failed invocation."""
    arn = target.get("Arn", "")
    try:
        service = parse_arn(arn).service
    except ArnParseError:
        return False
    if target.get("RoleArn"):
        caller = SCHEDULER if parse_arn(rule_arn).service == "scheduler" else SERVICE
        return service != "states" or role_allows(target["RoleArn"], "states:StartExecution", arn, caller)
    policies = {
        "lambda": lambda: lambda_allows(arn, SERVICE, rule_arn),
        "sns": lambda: topic_allows(arn, SERVICE, rule_arn),
        "sqs": lambda: sqs.queue_policy_allows(arn, SERVICE, rule_arn, get_account_id()),
        "states": lambda: False,
    }
    return policies[service]() if service in policies else True


def role_allows(role_arn: str, action: str, resource: str, service: str = SERVICE) -> bool:
    """Whether `service` may assume the role, and the role then do `action` on `resource`."""
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None or not _trusts(role, service):
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/events",
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, get_account_id())
    return iam_evaluator.evaluate(context, policies).decision == "Allow"


def _trusts(role: dict[str, Any], service: str) -> bool:
    document = role.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        for statement in (statements if isinstance(statements, list) else [statements])
    )
