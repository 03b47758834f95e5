"""Retraining runs in the ledger's table.

| pk | sk | what |
|---|---|---|
| `ENDPOINT#name` | `RETRAINING` | which run is under way |
| `ENDPOINT#name` | `RUN#id` | the run (`Run`), version-checked |

The item of the run under way also holds the token with which its question for approval is answered.
"""

from dataclasses import replace
from typing import Any

from lambdas.aws import batches, executions
from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from slipway import codec, names, stored
from slipway.retraining.run import IllegalMove, Run, State, move


class StaleRun(Exception):
    """Somebody else wrote the run since it was read, or another run has the endpoint; read again and decide again."""


class NotFound(Exception):
    """The ledger has no such run."""


def find(run_id: str) -> Run | None:
    key = _key(names.retrained_endpoint(run_id), f"RUN#{run_id}")
    answer = client("dynamodb").get_item(TableName=_table(), Key=key, ConsistentRead=True)
    return _read(answer["Item"]) if "Item" in answer else None


def run(run_id: str) -> Run:
    found = find(run_id)
    if found is None:
        raise NotFound(f"the ledger has no run {run_id}; its id looks like fraud-retrain-3fa2c1")
    return found


def going(run_id: str, execution: str, state: State, now: float) -> Run:
    """The run, for the step of its own execution that begins in `state`; a failed one was redriven and goes on there.

    Raises IllegalMove where it has ended or another execution drives it, StaleRun where another run has the endpoint.
    """
    known = run(run_id)
    if known.execution != execution or known.state is State.STOPPED:
        raise IllegalMove(f"run {run_id} is {known.state} and was driven by {known.execution}; start a new one")
    return write(move(known, state, now)) if known.state is State.FAILED else known


def history(endpoint: str) -> list[Run]:
    """The endpoint's runs, in no particular order."""
    return [_read(item) for item in batches.below(f"ENDPOINT#{endpoint}", "RUN#")]


def under_way(endpoint: str) -> tuple[Run, str] | None:
    """The run that has the endpoint, and the token with which it is answered (empty while it asks nothing)."""
    answer = client("dynamodb").get_item(TableName=_table(), Key=_key(endpoint, "RETRAINING"), ConsistentRead=True)
    item = answer.get("Item")
    return (run(item["run_id"]["S"]), item.get("token", {}).get("S", "")) if item else None


def create(new: Run) -> bool:
    """Writes a new run and takes its endpoint, or answers False if another run has it (or this one exists)."""
    free = {"TableName": _table(), "ConditionExpression": "attribute_not_exists(pk)"}
    return _transact([{"Put": {**free, "Item": item}} for item in (_lock(new), _item(new))])


def write(changed: Run, token: str = "") -> Run:
    """Writes the run over the version it was read at; one that has ended frees its endpoint.

    token: with which it is answered from now on. Returns the run with its new version. Raises StaleRun if somebody was
    faster, or another run has the endpoint.
    """
    new = replace(changed, version=changed.version + 1)
    read = {":read": {"N": str(changed.version)}}
    unchanged = {"ConditionExpression": "version = :read", "ExpressionAttributeValues": read}
    mine = {
        "TableName": _table(),
        "ConditionExpression": "attribute_not_exists(pk) OR run_id = :id",
        "ExpressionAttributeValues": {":id": {"S": new.id}},
    }
    lock: dict[str, Any] = {"Put": {**mine, "Item": _lock(new) | ({"token": {"S": token}} if token else {})}}
    if new.ended:
        lock = {"Delete": {**mine, "Key": _key(new.trigger.endpoint, "RETRAINING")}}
    if not _transact([{"Put": {"TableName": _table(), "Item": _item(new), **unchanged}}, lock]):
        raise StaleRun(
            f"run {new.id} was changed after version {changed.version} was read, or another one is under way"
        )
    return new


def abandoned(known: Run) -> bool:
    """Whether nobody drives a run any more: its execution has ended, and the event of that end got lost."""
    return not known.ended and executions.ended(known.execution)


def _table() -> str:
    return setting("LEDGER_TABLE")


def _key(endpoint: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": f"ENDPOINT#{endpoint}"}, "sk": {"S": sk}}


def _lock(value: Run) -> dict[str, Any]:
    return {**_key(value.trigger.endpoint, "RETRAINING"), "run_id": {"S": value.id}}


def _read(item: dict[str, Any]) -> Run:
    return stored.read(Run, item["document"]["S"], int(item["format"]["N"]))


def _item(value: Run) -> dict[str, Any]:
    return {
        **_key(value.trigger.endpoint, f"RUN#{value.id}"),
        "version": {"N": str(value.version)},
        "state": {"S": value.state.value},
        "format": {"N": str(stored.FORMAT)},
        "document": {"S": codec.dumps(value)},
    }


def _transact(items: list[dict[str, Any]]) -> bool:
    return batches.transact(items, StaleRun("two writes of one run at the same moment"))
