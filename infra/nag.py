"""Answers to cdk-nag: a rule is acknowledged where it is broken, for one finding, with a reason."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct


def accept(construct: Construct, rule: str, reason: str, *, finding: str | None = None) -> None:
    """Acknowledge an AwsSolutions rule on a construct, e.g. `SNS3`.

    finding: what exactly is broken, where a rule reports several: `Resource::*`, `Action::s3:*`. ARNs may hold tokens.
    """
    suffix = f"[{_plain(construct, finding)}]" if finding else ""
    acknowledgment = cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}{suffix}", reason=reason)
    cdk.Validations.of(construct).acknowledge(acknowledgment)


def _plain(construct: Construct, finding: str) -> str:
    """Tokens as cdk-nag spells them: `<AWS::Region>`, `<Ledger1234ABCD.Arn>`, an import by its bare name."""
    resolved = cdk.Stack.of(construct).resolve(finding)
    parts = resolved["Fn::Join"][1] if isinstance(resolved, dict) else [resolved]
    return "".join(part if isinstance(part, str) else _reference(part) for part in parts)


def _reference(part: dict[str, Any]) -> str:
    ((function, target),) = part.items()
    if function == "Fn::ImportValue":
        return str(target)
    return f"<{target if isinstance(target, str) else '.'.join(target)}>"
