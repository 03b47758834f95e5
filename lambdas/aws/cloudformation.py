"""Answers to CloudFormation's custom resource requests.

Source: "Custom resource response objects" in the CloudFormation user guide.
"""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any


def succeed(event: Mapping[str, Any], identity: str, attributes: Mapping[str, str]) -> None:
    _answer(event, {"Status": "SUCCESS", "PhysicalResourceId": identity, "Data": dict(attributes)})


def fail(event: Mapping[str, Any], identity: str, reason: str) -> None:
    _answer(event, {"Status": "FAILED", "PhysicalResourceId": identity, "Reason": reason[:1000]})


def _answer(event: Mapping[str, Any], answer: dict[str, Any]) -> None:
    same = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**answer, **same}).encode()
    # The pre-signed URL is signed for an empty content type.
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass
