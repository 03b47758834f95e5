"""Synthesizing stacks, and reading what came out."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Read once, when the CDK's Node process starts at import. The slow validation of every template is cfn-lint's here.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "1"

import aws_cdk as cdk

from infra.stacks import declare

FRAUD = {"name": "fraud", "first_model": "s3://a-bucket/models/champion/model.tar.gz", "alarm_email": "ops@example.com"}
MLFLOW = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/ours"
CHURN = {
    "name": "churn",
    "first_model": "s3://a-bucket/models/churn/model.tar.gz",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own/xgboost:1.0",
    "monitor": "model-monitor",
    "retraining": {
        "schedule": "rate(7 days)",
        "new_labels": 5000,
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own/jobs:1.0",
        "mlflow": MLFLOW,
        "tuning": {"jobs": 8, "strategy": "bayesian"},
    },
}
WAITING = {"name": "returns", "retraining": {"mlflow": MLFLOW}}
CONTEXT = {"endpoints": [FRAUD, CHURN, WAITING]}
FLAGS = {key: value for key, value in json.loads(Path("cdk.json").read_text())["context"].items() if "@" in key}

Template = dict[str, Any]


def synthesize(target: Path, context: dict[str, Any]) -> Path:
    """The cloud assembly of a context, with cdk.json's feature flags. Findings of cdk-nag raise."""
    app = cdk.App(analytics_reporting=False, outdir=str(target), context={**FLAGS, **context})
    declare(app)
    app.synth()
    return target


def read(assembly: Path) -> dict[str, Template]:
    """Templates by the stack's last name: state, serving, delivery."""
    paths = sorted(assembly.glob("*.template.json"))
    return {path.name.removeprefix("slipway-").split(".")[0]: json.loads(path.read_text()) for path in paths}


def of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    """The properties of all resources of a type."""
    return [resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == kind]


def one(template: Template, kind: str, **properties: Any) -> dict[str, Any]:
    """The properties of the only resource of a type that has these."""
    wanted = properties.items()
    (found,) = (p for p in of_type(template, kind) if all(p.get(name) == value for name, value in wanted))
    return found


def statements(template: Template) -> Iterator[dict[str, Any]]:
    """Every statement of every role's policy, actions and resources as lists of text."""
    for policy in of_type(template, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resources = statement["Action"], statement["Resource"]
            yield {
                **statement,
                "Action": actions if isinstance(actions, list) else [actions],
                "Resource": [text(r) for r in (resources if isinstance(resources, list) else [resources])],
            }


def text(value: Any) -> str:
    """An ARN with its tokens in angle brackets."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return "".join(map(text, argument[1]))
    return f"<{argument if isinstance(argument, str) else '.'.join(map(str, argument))}>"
