"""Keys of the customer's own: who reads or writes what one of them encrypts also needs permission on the key.

MiniStack notes that a bucket or a topic is encrypted and lets everyone in. A grant on the key that someone forgot is
among the commonest failures of a first deployment, so it must fail here too.
Whether an object is encrypted with a key is judged by its bucket's default, not by the object.
"""

from collections.abc import Iterator
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms, s3, sns

Check = tuple[str, str, dict[str, Any]]  # action, resource, context keys

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_ENCRYPTION_HEADER = "x-amz-server-side-encryption"
_OBJECT_ACTIONS = {"s3:PutObject": "kms:GenerateDataKey", "s3:GetObject": "kms:Decrypt"}
_TOPIC_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def checks(service: str, action: str, resource: str, method: str, headers: dict) -> Iterator[Check]:
    """The permissions on a key that a request to S3 or SNS needs."""
    if service == "s3" and action in _OBJECT_ACTIONS and method in ("GET", "PUT") and "/" in resource:
        bucket = resource.removeprefix("arn:aws:s3:::").split("/")[0]
        key = _object_key(bucket, headers if method == "PUT" else {})
        if key:
            yield _OBJECT_ACTIONS[action], key, {"kms:ViaService": f"s3.{get_region()}.amazonaws.com"}
    if service == "sns" and action in ("sns:Publish", "sns:PublishBatch"):
        key = topic_key(resource)
        for needed in _TOPIC_ACTIONS if key else ():
            yield needed, key, {"kms:ViaService": f"sns.{get_region()}.amazonaws.com"}


def service_may_use(key: str, service: str, source_arn: str) -> bool:
    """Whether the key's policy lets an AWS service encrypt and decrypt for a topic."""
    found = kms.key_policy_for_arn(key)
    return found is not None and all(_allowed(found[0], key, action, service, source_arn) for action in _TOPIC_ACTIONS)


def topic_key(topic_arn: str) -> str:
    """The ARN of the key that encrypts a topic; empty if none, or one of AWS's own, does."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    return _arn(topic["attributes"].get("KmsMasterKeyId", "")) if topic else ""


def _object_key(bucket: str, headers: dict) -> str:
    if headers.get(_ENCRYPTION_HEADER) == "AES256":
        return ""
    default = s3._bucket_default_sse_headers(bucket)
    return _arn(headers.get(_KEY_HEADER) or default.get(_KEY_HEADER, ""))


def _arn(name: str) -> str:
    """A key's ARN from its id, ARN or alias."""
    if not name or "alias/aws/" in name:
        return ""
    record = kms._resolve_key(name)
    return record["Arn"] if record else name


def _allowed(policy: Any, key: str, action: str, service: str, source_arn: str) -> bool:
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=key,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    return evaluate_resource_policy(policy, context, service=service).decision == "Allow"
