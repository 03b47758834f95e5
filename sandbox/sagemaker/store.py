"""What the control plane remembers: tables of named records, their tags, and the lock that guards both."""

import base64
import contextvars
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from sandbox import clock
from sandbox.sagemaker.errors import invalid

CLOCK = clock.from_env()
# Held while a record is read or changed; never while sleeping or talking to another process.
LOCK = threading.RLock()

Record = TypeVar("Record")
_TABLES: list["Table[Any]"] = []
_TAGS = AccountRegionScopedDict()


def arn(kind: str, name: str) -> str:
    """SageMaker lower-cases names in its ARNs."""
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{kind}/{name.lower()}"


class Table(Generic[Record]):
    """The records of one kind, by name, per account and region."""

    def __init__(self, kind: str, label: str) -> None:
        self.kind = kind
        self.label = label
        self._records = AccountRegionScopedDict()
        _TABLES.append(self)

    def arn(self, name: str) -> str:
        return arn(self.kind, name)

    def add(self, name: str, record: Record, tags: Iterable[dict[str, str]] = ()) -> None:
        with LOCK:
            if name in self._records:
                raise invalid(f'Cannot create already existing {self.label} "{self.arn(name)}".')
            self._records[name] = record
            tag(self.arn(name), tags)

    def get(self, name: str) -> Record:
        record = self.find(name)
        if record is None:
            raise invalid(f'Could not find {self.label} "{self.arn(name)}".')
        return record

    def find(self, name: str) -> Record | None:
        record: Record | None = self._records.get(name)
        return record

    def remove(self, name: str) -> Record:
        with LOCK:
            record = self.get(name)
            self._records.pop(name)
            _TAGS.pop(self.arn(name), None)
            return record

    def all(self) -> list[Record]:
        return list(self._records.values())

    def name_of(self, resource: str) -> str | None:
        """The name behind an ARN, in the case it was given in."""
        return next((name for name in self._records if self.arn(name) == resource), None)

    def clear(self) -> None:
        self._records.clear()


def reset() -> None:
    """Forget everything, in every account and region."""
    with LOCK:
        for table in _TABLES:
            table.clear()
        _TAGS.clear()


def name_of(resource: str) -> str | None:
    """The name of the resource that has this ARN, whatever its kind; None when there is none."""
    return next((name for table in _TABLES if (name := table.name_of(resource))), None)


def tag(resource: str, tags: Iterable[dict[str, str]]) -> None:
    for item in tags:
        tags_of(resource)[item["Key"]] = item["Value"]


def tags_of(resource: str) -> dict[str, str]:
    """The live tags of an ARN: changing the answer changes the tags."""
    tags: dict[str, str] = _TAGS.setdefault(resource, {})
    return tags


def spawn(work: Callable[..., None], *args: Any) -> None:
    """Run `work` on a thread of its own, for the account and region of the current request."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work, *args), daemon=True, name=f"sagemaker-{work.__name__}").start()


def listing(
    key: str,
    summaries: Iterable[dict[str, Any]],
    name: str,
    params: dict[str, Any],
    sorts: Mapping[str, Callable[[dict[str, Any]], Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """One page of a List operation: filtered, sorted, with a token that survives deletions between two pages.

    `name` is the member that names a summary; its status, if it has one, is the first member ending in `Status`.
    `sorts`: by what `SortBy` can order besides name and creation.
    """
    known = {"Name": itemgetter(name), "CreationTime": itemgetter("CreationTime"), **sorts}
    sort = known.get(params.get("SortBy", "CreationTime"), known["CreationTime"])

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        return sort(row), row[name]

    rows = sorted((row for row in summaries if _wanted(row, name, params)), key=order)
    descending = params.get("SortOrder", "Descending") == "Descending"
    if descending:
        rows.reverse()
    if token := params.get("NextToken"):
        last = _decode(token)
        rows = [row for row in rows if (order(row) < last if descending else order(row) > last)]
    size = params.get("MaxResults", 10)
    page: dict[str, Any] = {key: rows[:size]}
    if len(rows) > size:
        page["NextToken"] = base64.b64encode(json.dumps(order(rows[size - 1])).encode()).decode()
    return page


def _wanted(row: dict[str, Any], name: str, params: dict[str, Any]) -> bool:
    status = next((value for member, value in row.items() if member.endswith("Status")), None)
    created, modified = row["CreationTime"], row.get("LastModifiedTime", row["CreationTime"])
    return (
        params.get("NameContains", "").lower() in str(row[name]).lower()
        and params.get("StatusEquals", status) == status
        and params.get("CreationTimeAfter", created) <= created <= params.get("CreationTimeBefore", created)
        and params.get("LastModifiedTimeAfter", modified) <= modified <= params.get("LastModifiedTimeBefore", modified)
    )


def _decode(token: str) -> tuple[Any, ...]:
    try:
        return tuple(json.loads(base64.b64decode(token, validate=True)))
    except ValueError:
        raise invalid("Invalid NextToken.") from None
