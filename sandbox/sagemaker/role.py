"""SageMaker acting under a customer's role: the trust check, the session, and AWS clients that carry it."""

import json
import os
import secrets
import threading
from typing import Any

import boto3
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from sandbox.sagemaker.errors import invalid

SERVICE = "sagemaker.amazonaws.com"
# boto3's default session makes clients faster the second time, but on one thread at a time.
_SESSION_LOCK = threading.Lock()


def assume(role_arn: str) -> dict[str, str]:
    """Environment variables that sign as the role. ValidationException when the role does not trust SageMaker."""
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
        raise invalid(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{SERVICE}' to assume the role."
        )
    access_key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(64)
    sts.register_session(
        access_key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/SageMaker",
            "UserId": f"{role['RoleId']}:SageMaker",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
        "AWS_DEFAULT_REGION": get_region(),
        "AWS_REGION": get_region(),
        "AWS_ENDPOINT_URL": gateway(),
    }


def client(service: str, credentials: dict[str, str]) -> Any:
    """A boto3 client of the gateway that signs with what `assume` gave."""
    with _SESSION_LOCK:
        return boto3.client(  # type: ignore[call-overload]  # the service is not known here
            service,
            endpoint_url=credentials["AWS_ENDPOINT_URL"],
            region_name=credentials["AWS_REGION"],
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
        )


def gateway() -> str:
    return f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"


def _trusts_sagemaker(document: str | dict[str, Any]) -> bool:
    policy = json.loads(document) if isinstance(document, str) else document
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return any(statement["Effect"] == "Allow" and SERVICE in _services(statement) for statement in statements)


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return [services] if isinstance(services, str) else services
