"""DynamoDB's batches, cut to the sizes it takes and what it leaves undone asked for again, and its transactions."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.settings import setting

T = TypeVar("T")
MOST_PUTS, MOST_GETS = 25, 100
MOST_TRIES = 20
PAUSE = 0.02  # seconds, times the number of tries
Item = dict[str, Any]


class Unfinished(Exception):
    """DynamoDB still leaves something undone after MOST_TRIES; the same may pass later."""


def table() -> str:
    return setting("LEDGER_TABLE")


def key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def put(items: Sequence[Item]) -> None:
    """Writes items, no two of them with one key, over what is there. Raises Unfinished."""
    requests = [{"PutRequest": {"Item": item}} for item in items]
    for batch in _cut(requests, MOST_PUTS):
        left = {table(): batch}
        for _ in tries():
            left = client("dynamodb").batch_write_item(RequestItems=left).get("UnprocessedItems", {})
            if not left:
                break


def get(keys: Sequence[Item]) -> Iterator[Item]:
    """The items there are, in no order, with every write that has ended. Raises Unfinished."""
    for batch in _cut(keys, MOST_GETS):
        left: dict[str, Any] = {table(): {"Keys": batch, "ConsistentRead": True}}
        for _ in tries():
            answer = client("dynamodb").batch_get_item(RequestItems=left)
            yield from answer["Responses"].get(table(), [])
            left = answer.get("UnprocessedKeys", {})
            if not left:
                break


def transact(items: list[Item], conflict: Exception) -> bool:
    """All writes or none; False where a condition does not hold. Raises `conflict` if others write at this moment."""
    try:
        client("dynamodb").transact_write_items(TransactItems=items)
    except ClientError as error:
        reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
        if "ConditionalCheckFailed" in reasons:
            return False
        if "TransactionConflict" in reasons:
            raise conflict from error
        raise
    return True


def below(pk: str, start: str) -> Iterator[Item]:
    """The items of a partition whose sort key starts so, in its order, with every write that has ended."""
    asked = {":pk": {"S": pk}, ":start": {"S": start}}
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table(),
            KeyConditionExpression="pk = :pk AND begins_with(sk, :start)",
            ExpressionAttributeValues=asked,
            ConsistentRead=True,
        )
    )
    for page in pages:
        yield from page["Items"]


def tries() -> Iterator[int]:
    """The numbers of MOST_TRIES tries, with growing pauses between them, and then Unfinished."""
    for number in range(1, MOST_TRIES + 1):
        yield number
        time.sleep(PAUSE * number)
    raise Unfinished(f"DynamoDB left something undone {MOST_TRIES} times in a row")


def _cut(items: Sequence[T], most: int) -> Iterator[list[T]]:
    for start in range(0, len(items), most):
        yield list(items[start : start + most])
