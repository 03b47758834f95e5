"""Executions of the promotion workflow."""

import json

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger
from slipway.release import Release


def ended(arn: str) -> bool:
    """True for an execution that no longer drives anything; one that Step Functions has forgotten has ended too."""
    if not arn:
        return True
    try:
        return bool(client("stepfunctions").describe_execution(executionArn=arn)["status"] != "RUNNING")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return True
        raise


def ensure(release: Release) -> None:
    """Sees to it that an execution drives the release to its end; its own may have been stopped by hand."""
    if release.ended or not ended(release.execution):
        return
    logger.warning("no execution drives the release; starting one", release_id=release.id)
    client("stepfunctions").start_execution(
        stateMachineArn=setting("PROMOTION_ARN"), input=json.dumps({"release_id": release.id})
    )
