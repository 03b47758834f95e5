"""GET /_sandbox/authorize?access_key=&action=&resource=: may this caller do this? For the data plane's requests.

The session token of temporary credentials comes in the header x-amz-security-token. The answer is
`{"allowed": bool, "reason": str}`.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region

from sandbox.aws import routes


def install(app: Any) -> None:
    routes.get("authorize", lambda query, headers: authorize(**query, session_token=_token(headers)))


def authorize(access_key: str, action: str, resource: str, session_token: str = "") -> dict[str, Any]:
    """Evaluate the caller's identity-based policies, boundary and session policy."""
    account = resource.split(":")[4]
    credential = iam_evaluator.resolve_credential(access_key, account, session_token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return {"allowed": False, "reason": credential.message}
    principal = iam_evaluator.resolve_principal(access_key, account, credential)
    if isinstance(principal, iam_evaluator.AuthError):
        return {"allowed": False, "reason": principal.message}
    if principal.policies is None:
        return {"allowed": True, "reason": "the account's administrator"}
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        principal_keys=principal.keys,
    )
    decision = iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision
    refused = f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}"
    return {"allowed": decision == "Allow", "reason": "" if decision == "Allow" else refused}


def _token(headers: dict[str, str]) -> str:
    return headers.get("x-amz-security-token", "")
