"""Sums of sampled requests in the ledger, each added exactly once.

| pk | sk | what |
|---|---|---|
| `PAIRS#release` | `TOTAL#step`, `MINUTE#minute` | sums (`PairSums.numbers`, `OutcomeSums.numbers`) |
| `PAIRS#endpoint` | the same | sums that belong to no release: labels as they come |
| `ROW#endpoint#id` | `counted#mark` | the sums of that claim are in; an object's key is an id too |

A sum is added in one transaction with the mark that says so, so that everything may be done again, in any order and at
the same time.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import reduce
from typing import Any

from lambdas.aws import batches, rows
from lambdas.aws.clients import client
from slipway import outcomes, pairing, pairsums
from slipway.outcomes import OutcomeSums
from slipway.pairing import Cell, Claim
from slipway.pairsums import PairSums

KEEP_MARKS, KEEP_MINUTES = 60 * 86400, 120 * 86400  # seconds; marks outlive the rows
MOST_ITEMS = 100  # of one transaction
_AGAIN = {"ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

Target = tuple[str, str]


def totals(release_id: str) -> PairSums:
    """All sums of a release's steps."""
    steps = by_step(release_id)
    return reduce(PairSums.__add__, (sums for step, sums in steps.items() if step != pairing.OUTSIDE), PairSums())


def by_step(owner: str) -> dict[int, PairSums]:
    """Sums per step of a release's plan, and at `pairing.OUTSIDE` of what was captured while none was in place.

    owner: the release's id; an endpoint's name gives what belongs to no release.
    """
    answer = client("dynamodb").query(
        TableName=batches.table(),
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"PAIRS#{owner}"}, ":sk": {"S": "TOTAL#"}},
    )
    return {int(item["sk"]["S"].removeprefix("TOTAL#")): _sums(item) for item in answer["Items"]}


def reported(release_id: str, step: int) -> OutcomeSums:
    """What users have reported of a step's requests."""
    key = batches.key(f"PAIRS#{release_id}", f"TOTAL#{step}")
    item = client("dynamodb").get_item(TableName=batches.table(), Key=key, ConsistentRead=True).get("Item", {})
    return outcomes.from_numbers({name: value["N"] for name, value in item.items() if "N" in value})


def count(endpoint: str, claims: Iterable[Claim], now: float) -> None:
    """Adds the sums of those claims that nobody has counted yet. Raises batches.Unfinished."""
    for batch in _packed(claims):
        _settle(endpoint, batch, now)


def _settle(endpoint: str, claims: list[Claim], now: float) -> None:
    """One transaction; claims that others were faster with are left out of the next try."""
    for _ in batches.tries():
        items = [*(_mark(endpoint, claim, now) for claim in claims), *_additions(claims, now)]
        try:
            client("dynamodb").transact_write_items(TransactItems=items)
            return
        except client("dynamodb").exceptions.TransactionCanceledException as error:
            codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
            if not _AGAIN & set(codes):
                raise
        claims = [claim for claim, code in zip(claims, codes, strict=False) if code != "ConditionalCheckFailed"]
        if not claims:
            return


def _packed(claims: Iterable[Claim]) -> Iterator[list[Claim]]:
    """Batches that fit a transaction: a mark for each claim, an addition for each minute and step."""
    batch: list[Claim] = []
    targets: set[Target] = set()
    for claim in sorted((claim for claim in claims if claim.sums), key=lambda claim: min(claim.sums)):
        own = {target for cell in claim.sums for target in _targets(cell)}
        if len(batch) + 1 + len(targets | own) > MOST_ITEMS:
            yield batch
            batch, targets = [], set()
        batch.append(claim)
        targets |= own
    if batch:
        yield batch


def _mark(endpoint: str, claim: Claim, now: float) -> batches.Item:
    mark = rows.key(endpoint, claim.id, f"counted#{claim.mark}")
    item = {**mark, "expires_at": _number(int(now + KEEP_MARKS))}
    unless = {"ConditionExpression": "attribute_not_exists(pk)"}
    return {"Put": {"TableName": batches.table(), "Item": item, **unless}}


def _additions(claims: Iterable[Claim], now: float) -> Iterator[batches.Item]:
    sums: dict[Target, dict[str, int | float]] = {}
    for claim in claims:
        for cell, added in claim.sums.items():
            numbers = added.numbers()
            for target in _targets(cell):
                into = sums.setdefault(target, {})
                for name, number in numbers.items():
                    into[name] = into.get(name, 0) + number
    for (pk, sk), numbers in sums.items():
        yield _addition(batches.key(pk, sk), numbers, now)


def _addition(key: batches.Item, numbers: dict[str, int | float], now: float) -> batches.Item:
    change = f"ADD {', '.join(f'#n{i} :n{i}' for i in range(len(numbers)))}"
    aliases = {f"#n{i}": name for i, name in enumerate(numbers)}
    values = {f":n{i}": _number(number) for i, number in enumerate(numbers.values())}
    if key["sk"]["S"].startswith("MINUTE#"):
        change = f"SET expires_at = :expires_at {change}"
        values[":expires_at"] = _number(int(now + KEEP_MINUTES))
    parts = {"ExpressionAttributeNames": aliases, "ExpressionAttributeValues": values}
    return {"Update": {"TableName": batches.table(), "Key": key, "UpdateExpression": change, **parts}}


def _targets(cell: Cell) -> Iterator[Target]:
    yield f"PAIRS#{cell.owner}", f"MINUTE#{cell.minute}"
    yield f"PAIRS#{cell.owner}", f"TOTAL#{cell.step}"


def _number(number: int | float) -> dict[str, str]:
    return {"N": format(Decimal(number), "f")}


def _sums(item: dict[str, Any]) -> PairSums:
    return pairsums.from_numbers({name: value["N"] for name, value in item.items() if "N" in value})
