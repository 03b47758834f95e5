"""Custom resource behind an endpoint: records what CDK declares, and answers what the first deployment was told.

CloudFormation's own model, config and endpoint take their values from these answers, so they never change after the
first deployment, and no later one can take back what releases did since.
"""

from typing import Any

from lambdas.aws import clock, cloudformation, ledger, serving
from lambdas.aws.telemetry import logger, tracer
from slipway import frame


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """CloudFormation waits for the answer, so a failure is an answer too."""
    identity = f"slipway-frame-{event['ResourceProperties']['Endpoint']}"
    try:
        attributes = _ACTS[event["RequestType"]](event["ResourceProperties"])
    except Exception as error:
        logger.exception("the frame could not be recorded")
        cloudformation.fail(event, event.get("PhysicalResourceId", identity), f"{type(error).__name__}: {error}")
    else:
        cloudformation.succeed(event, identity, attributes)


def create(properties: dict[str, str]) -> dict[str, str]:
    first = frame.first(properties)
    ledger.put_first(properties["Endpoint"], first)
    ledger.put_frame(frame.parse(properties))
    return first


def update(properties: dict[str, str]) -> dict[str, str]:
    first = ledger.first(properties["Endpoint"])
    ledger.put_frame(frame.parse(properties))
    return first


def delete(properties: dict[str, str]) -> dict[str, str]:
    """By now CloudFormation has deleted the endpoint itself; what releases made for it goes too."""
    endpoint = properties["Endpoint"]
    serving.clear_all(endpoint, clock.now())
    ledger.delete_frame(endpoint)
    return {}


_ACTS = {"Create": create, "Update": update, "Delete": delete}
