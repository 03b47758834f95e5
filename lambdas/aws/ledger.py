"""The ledger: one DynamoDB table that holds every release, its history, and which release owns an endpoint.

| pk | sk | what |
|---|---|---|
| `ENDPOINT#name` | `FRAME` | what CDK declares (`Frame`) |
| `ENDPOINT#name` | `FIRST` | what its first deployment was told |
| `ENDPOINT#name` | `LOCK` | the release in progress |
| `ENDPOINT#name` | `RELEASE#id` | the release (`Release`), version-checked |
| `RELEASE#id` | `HISTORY#version` | one line of its history (`Entry`) |

Every write of a release names the version it was read at, so an alarm and the judge can't overwrite each other.
A document's `format` is that of slipway.stored. Whoever rolls back asks with `to_roll_back`, and can read any.
"""

import json
from dataclasses import replace
from typing import Any, TypeVar

from lambdas.aws import batches
from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger
from slipway import codec, names, stored
from slipway.frame import Frame
from slipway.release import Entry, Release

T = TypeVar("T")


class StaleRelease(Exception):
    """Somebody else wrote the release since it was read; read again and decide again."""


class NotFound(Exception):
    """The ledger has no such item."""


def frame(endpoint: str, *, to_roll_back: bool = False) -> Frame:
    """What CDK declares. Raises NotFound, and stored.Unreadable unless it is to roll back."""
    item = _get(_endpoint(endpoint), "FRAME")
    if item is None:
        raise NotFound(f"endpoint {endpoint} has no frame in the ledger: deploy its Serving stack first")
    return _read(Frame, item, to_roll_back)


def put_frame(value: Frame) -> None:
    item = {**_key(_endpoint(value.endpoint), "FRAME"), **_document(value)}
    client("dynamodb").put_item(TableName=_table(), Item=item)


def delete_frame(endpoint: str) -> None:
    """Forgets what CDK declared; the endpoint's releases and their history stay."""
    for sk in ("FRAME", "FIRST", "LOCK"):
        client("dynamodb").delete_item(TableName=_table(), Key=_key(_endpoint(endpoint), sk))


def first(endpoint: str) -> dict[str, str]:
    """What the first deployment of an endpoint was told."""
    item = _get(_endpoint(endpoint), "FIRST")
    if item is None:
        raise NotFound(f"endpoint {endpoint} has no first deployment in the ledger")
    attributes: dict[str, str] = json.loads(item["document"]["S"])
    return attributes


def put_first(endpoint: str, attributes: dict[str, str]) -> None:
    document = {"document": {"S": json.dumps(attributes)}}
    client("dynamodb").put_item(TableName=_table(), Item={**_key(_endpoint(endpoint), "FIRST"), **document})


def find(release_id: str, *, to_roll_back: bool = False) -> Release | None:
    item = _get(_endpoint(names.endpoint_of(release_id)), f"RELEASE#{release_id}")
    return _read(Release, item, to_roll_back) if item else None


def release(release_id: str, *, to_roll_back: bool = False) -> Release:
    """Raises NotFound, and stored.Unreadable unless it is to roll back: then what a rollback needs is enough."""
    found = find(release_id, to_roll_back=to_roll_back)
    if found is None:
        raise NotFound(f"the ledger has no release {release_id}; its id looks like fraud.7.3fa2c1")
    return found


def served_since(release_id: str, role: str) -> float:
    """When a variant began to answer with the release's model (unix seconds); 0 if no release brought it.

    What was captured before is of another model, even if it waited for this one's baseline and was counted by that.
    """
    brought = find(release_id) if release_id else None
    return brought.serves_since(role) if brought else 0.0


def in_progress(endpoint: str) -> str | None:
    """The id of the release that owns the endpoint now."""
    item = _get(_endpoint(endpoint), "LOCK")
    return str(item["release_id"]["S"]) if item else None


def create(value: Release, line: Entry) -> bool:
    """Writes a new release and takes its endpoint, or answers False if another release has it (or this one exists)."""
    lock = {**_key(_endpoint(value.endpoint), "LOCK"), "release_id": {"S": value.id}}
    free = {"TableName": _table(), "ConditionExpression": "attribute_not_exists(pk)"}
    items = ({"Put": {**free, "Item": item}} for item in (lock, _release_item(value), _history_item(value, line)))
    return _transact(list(items))


def write(value: Release, line: Entry | None = None) -> Release:
    """Writes the release over the version it was read at, with its history line; an ended one frees its endpoint.

    Returns it with the new version. Raises StaleRelease if somebody was faster.
    """
    new = replace(value, version=value.version + 1)
    unchanged = {
        "ConditionExpression": "version = :read",
        "ExpressionAttributeValues": {":read": {"N": str(value.version)}},
    }
    items = [{"Put": {"TableName": _table(), "Item": _release_item(new), **unchanged}}]
    if line is not None:
        items.append({"Put": {"TableName": _table(), "Item": _history_item(new, line)}})
    if value.ended:
        mine = {"ConditionExpression": "release_id = :id", "ExpressionAttributeValues": {":id": {"S": value.id}}}
        items.append({"Delete": {"TableName": _table(), "Key": _key(_endpoint(value.endpoint), "LOCK"), **mine}})
    if not _transact(items):
        raise StaleRelease(f"release {value.id} was changed after version {value.version} was read")
    return new


def history(release_id: str) -> list[Entry]:
    """All lines, oldest first."""
    return [_read(Entry, item) for item in batches.below(f"RELEASE#{release_id}", "HISTORY#")]


def _table() -> str:
    return setting("LEDGER_TABLE")


def _endpoint(name: str) -> str:
    return f"ENDPOINT#{name}"


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _get(pk: str, sk: str) -> dict[str, Any] | None:
    answer = client("dynamodb").get_item(TableName=_table(), Key=_key(pk, sk), ConsistentRead=True)
    item: dict[str, Any] | None = answer.get("Item")
    return item


def _document(value: Release | Frame | Entry) -> dict[str, Any]:
    return {"format": {"N": str(stored.FORMAT)}, "document": {"S": codec.dumps(value)}}


def _read(kind: type[T], item: dict[str, Any], to_roll_back: bool = False) -> T:
    text, format = item["document"]["S"], int(item["format"]["N"]) if "format" in item else stored.OLDEST
    try:
        return stored.read(kind, text, format)
    except stored.Unreadable as error:
        if not to_roll_back:
            raise
        logger.warning("only what a rollback needs is read", error=str(error))
        return stored.essentials(kind, text)


def _release_item(value: Release) -> dict[str, Any]:
    return {
        **_key(_endpoint(value.endpoint), f"RELEASE#{value.id}"),
        "version": {"N": str(value.version)},
        "phase": {"S": value.phase.value},
        **_document(value),
    }


def _history_item(value: Release, line: Entry) -> dict[str, Any]:
    return {
        **_key(f"RELEASE#{value.id}", f"HISTORY#{value.version:08d}"),
        "what": {"S": line.what},
        "reason": {"S": line.reason},
        **_document(line),
    }


def _transact(items: list[dict[str, Any]]) -> bool:
    return batches.transact(items, StaleRelease("two writes of one release at the same moment"))
