"""Whether a resource lets an AWS *service* call it: the half of IAM that MiniStack leaves out."""

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, sns

from sandbox.aws import kms


def lambda_allows(function_arn: str, service: str, source_arn: str) -> bool:
    """Whether the function's resource policy lets `service` invoke it on behalf of `source_arn`."""
    found = lambda_svc.function_policy_for_arn(function_arn)
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    return found is not None and evaluate_resource_policy(found[0], context, service=service).decision == "Allow"


def topic_allows(topic_arn: str, service: str, source_arn: str) -> bool:
    """Whether the topic's policy lets `service` publish, and its key, if it has one, lets it encrypt."""
    key = kms.topic_key(topic_arn)
    allowed = sns.topic_policy_allows(topic_arn, service, source_arn, get_account_id())
    return allowed and (not key or kms.service_may_use(key, service, source_arn))
