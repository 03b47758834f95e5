"""Executions of the workflows."""

import json
from collections.abc import Mapping

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


class Unasked(Exception):
    """Nobody waits for an answer with this token any more."""


def answer(token: str, output: Mapping[str, str]) -> None:
    """Lets the state go on that gave the token away. Raises Unasked."""
    try:
        client("stepfunctions").send_task_success(taskToken=token, output=json.dumps(output))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
            raise Unasked("the question was answered already, or its time is over") from error
        raise
