"""Sampled answers and labels as they wait in the ledger for their counterparts.

| pk | sk | what |
|---|---|---|
| `SAMPLED#endpoint` | release | the share of ids that the release samples; labels need it after its end |
| `ROW#endpoint#id` | `baseline`, `candidate` | an answer to a sampled request (`Row`) |
| `ROW#endpoint#id` | `label`, `report` | what became known of it (`Label`, `Report`) |

Rows are written before their counterparts are read, so that of two functions at least one sees both.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from lambdas.aws import batches, metrics
from lambdas.aws.clients import client
from slipway import codec, names, pairing
from slipway.pairing import Group, Label, Report, Row
from slipway.release import Release

KEEP_ROWS, KEEP_RATE = 30 * 86400, 60 * 86400  # seconds
KINDS: dict[str, type] = {**dict.fromkeys(names.ROLES, Row), "label": Label, "report": Report}
TRAFFIC_SECONDS = 15 * 60


def key(endpoint: str, id: str, sk: str) -> batches.Item:
    return batches.key(f"ROW#{endpoint}#{id}", sk)


def rate(release: Release, lines: int, now: float) -> float:
    """The share of ids a release samples, chosen once: from the baseline's busiest minute of late.

    lines: of the object at hand, which stand in for traffic that CloudWatch has not seen; without any nothing is chosen
    yet, and every id counts as sampled.
    """
    item = batches.key(f"SAMPLED#{release.endpoint}", release.id)
    known = client("dynamodb").get_item(TableName=batches.table(), Key=item, ConsistentRead=True).get("Item")
    if known:
        return float(known["rate"]["N"])
    until = now // 60 * 60
    minutes = metrics.minutes(release.endpoint, until - TRAFFIC_SECONDS, until)
    busiest = max(minute.baseline.requests for minute in minutes) or lines
    if not busiest:
        return 1.0
    chosen = pairing.rate(busiest, release.plan.sampled_a_minute)
    item |= {"rate": {"N": repr(chosen)}, "expires_at": {"N": str(int(now + KEEP_RATE))}}
    unless = {"ConditionExpression": "attribute_not_exists(pk)"}
    with suppress(client("dynamodb").exceptions.ConditionalCheckFailedException):
        client("dynamodb").put_item(TableName=batches.table(), Item=item, **unless)
        return chosen
    return rate(release, lines, now)


def label_rate(endpoint: str, release: Release | None, now: float) -> float:
    """The greatest share of ids that the release in progress or another one of late samples; 0 if there is none."""
    answer = client("dynamodb").query(
        TableName=batches.table(),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"SAMPLED#{endpoint}"}},
    )
    rates = [float(item["rate"]["N"]) for item in answer["Items"]]
    return max([*rates, rate(release, 0, now)] if release else rates, default=0.0)


def put(endpoint: str, waiting: Iterable[Row | Label | Report]) -> None:
    """Writes rows, labels or reports; the same ones again change nothing."""
    items = {}
    for one in waiting:
        sk = one.role if isinstance(one, Row) else type(one).__name__.lower()
        attributes = {"document": {"S": codec.dumps(one)}, "expires_at": {"N": str(int(one.at + KEEP_ROWS))}}
        items[one.id, sk] = {**key(endpoint, one.id, sk), **attributes}
    batches.put(list(items.values()))


def groups(endpoint: str, ids: Iterable[str]) -> list[Group]:
    """What is known of each id, as of now."""
    found: dict[str, dict[str, Any]] = {}
    for item in batches.get([key(endpoint, id, sk) for id in dict.fromkeys(ids) for sk in KINDS]):
        sk = item["sk"]["S"]
        found.setdefault(item["pk"]["S"], {})[sk] = codec.loads(KINDS[sk], item["document"]["S"])
    return [Group(**parts) for parts in found.values()]
