"""MLflow kept in step with the model registry: one run and one model version a package, and the aliases.

The registry is the truth. `plan` compares what it says with what MLflow has and gives the calls that are possible now;
some make the ids that others need, so it is asked again until nothing is left. Whatever was done twice, half or by
hand is repaired by the next look. What people keep in MLflow without our tag is never touched.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from slipway import names

PACKAGE_TAG = names.PACKAGE_TAG
STATUS_TAG = "slipway.status"
WAITING = "PendingManualApproval"  # the status of a version that nobody has decided on
DELETED = "Deleted"  # the status of a version whose package the registry no longer has
CHAMPION, CANDIDATE = "champion", "candidate"
ALIASES = (CHAMPION, CANDIDATE)
_MEASURED = ("slipway:holdout-log-loss", "slipway:champion-log-loss")
_LONGEST_TAG = 5000


@dataclass(frozen=True)
class Package:
    """A registered version. created_at: unix seconds; metadata: its customer metadata."""

    arn: str
    version: int
    artifact: str
    status: str
    created_at: float
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """`validation:auc` -> `validation.auc`; MLflow's names take no colon."""
        measured = {k: v for k, v in self.metadata.items() if not k.startswith("slipway:") or k in _MEASURED}
        return {_name(key): float(value) for key, value in measured.items() if _is_number(value)}

    @property
    def tags(self) -> dict[str, str]:
        told = {k: v for k, v in self.metadata.items() if _name(k) not in self.metrics}
        return {_name(k): v[:_LONGEST_TAG] for k, v in told.items()} | {PACKAGE_TAG: self.arn, STATUS_TAG: self.status}


@dataclass(frozen=True)
class Wanted:
    """The registry: a group's packages; the ARNs of the one that serves and of the one on its way ("": none)."""

    endpoint: str
    packages: tuple[Package, ...]
    champion: str = ""
    candidate: str = ""


@dataclass(frozen=True)
class SeenRun:
    id: str
    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    started_at: float = 0.0


@dataclass(frozen=True)
class SeenVersion:
    version: int
    run_id: str
    source: str
    tags: Mapping[str, str]


Tagged = TypeVar("Tagged", SeenRun, SeenVersion)


@dataclass(frozen=True)
class Observed:
    """MLflow: experiment None and `model` False if there is none. runs and versions: those with our tag."""

    experiment: str | None = None
    model: bool = False
    runs: tuple[SeenRun, ...] = ()
    versions: tuple[SeenVersion, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request to MLflow's REST API, below /api/2.0/mlflow/."""

    method: str
    path: str
    body: Mapping[str, Any]


def on_its_way(packages: Sequence[Package], released: str) -> str:
    """The ARN of what may serve next: what is being released, else the newest version while it waits for a decision."""
    newest = max(packages, key=lambda package: package.version, default=None)
    return released or (newest.arn if newest and newest.status == WAITING else "")


def experiment_name(endpoint: str) -> str:
    return f"slipway-{endpoint}"


def plan(wanted: Wanted, observed: Observed) -> tuple[Call, ...]:
    """The calls that are possible now; none if MLflow is in step."""
    calls: list[Call] = []
    if observed.experiment is None:
        calls.append(_post("experiments/create", name=experiment_name(wanted.endpoint)))
    if not observed.model:
        calls.append(_post("registered-models/create", name=wanted.endpoint))
    runs, versions = _oldest_runs(observed.runs), _oldest_versions(observed.versions)
    if observed.experiment is not None:
        for package in wanted.packages:
            run = runs.get(package.arn)
            calls += _run(package, run) if run else [_create_run(wanted.endpoint, observed.experiment, package)]
    for package in wanted.packages if observed.model else ():
        calls += _version(wanted.endpoint, package, runs.get(package.arn), versions.get(package.arn))
    calls += [*_surplus(wanted, observed), *_aliases(wanted, versions, observed.aliases)]
    return tuple(calls)


def _create_run(endpoint: str, experiment: str, package: Package) -> Call:
    started = int(package.created_at * 1000)
    name = f"{endpoint}/{package.version}"
    tags = _pairs(package.tags)
    return _post("runs/create", experiment_id=experiment, start_time=started, run_name=name, tags=tags)


def _run(package: Package, seen: SeenRun) -> Iterator[Call]:
    metrics = {k: v for k, v in package.metrics.items() if seen.metrics.get(k) != v}
    tags = {k: v for k, v in package.tags.items() if seen.tags.get(k) != v}
    at = int(package.created_at * 1000)
    if metrics or tags:
        logged = [{"key": k, "value": v, "timestamp": at, "step": 0} for k, v in metrics.items()]
        yield _post("runs/log-batch", run_id=seen.id, metrics=logged, tags=_pairs(tags))
    if seen.status != "FINISHED":
        yield _post("runs/update", run_id=seen.id, status="FINISHED", end_time=at)


def _version(endpoint: str, package: Package, run: SeenRun | None, seen: SeenVersion | None) -> Iterator[Call]:
    if seen is None:
        if run:
            given = {"source": package.artifact, "run_id": run.id, "tags": _pairs(_version_tags(package))}
            yield _post("model-versions/create", name=endpoint, **given)
        return
    for key, value in _version_tags(package).items():
        if seen.tags.get(key) != value:
            yield _post("model-versions/set-tag", name=endpoint, version=str(seen.version), key=key, value=value)


def _version_tags(package: Package) -> dict[str, str]:
    return {PACKAGE_TAG: package.arn, STATUS_TAG: package.status}


def _surplus(wanted: Wanted, observed: Observed) -> Iterator[Call]:
    """What a call made twice left behind goes; a version whose package is gone stays, and says so."""
    first_runs, first_versions = _oldest_runs(observed.runs), _oldest_versions(observed.versions)
    known = {package.arn for package in wanted.packages}
    for run in observed.runs:
        if first_runs[run.tags[PACKAGE_TAG]] is not run:
            yield _post("runs/delete", run_id=run.id)
    for version in observed.versions:
        named = {"name": wanted.endpoint, "version": str(version.version)}
        if first_versions[version.tags[PACKAGE_TAG]] is not version:
            yield Call("DELETE", "model-versions/delete", named)
        elif version.tags[PACKAGE_TAG] not in known and version.tags.get(STATUS_TAG) != DELETED:
            yield _post("model-versions/set-tag", **named, key=STATUS_TAG, value=DELETED)


def _aliases(wanted: Wanted, versions: Mapping[str, SeenVersion], seen: Mapping[str, int]) -> Iterator[Call]:
    for alias, arn in ((CHAMPION, wanted.champion), (CANDIDATE, wanted.candidate)):
        named = {"name": wanted.endpoint, "alias": alias}
        if arn in versions:
            if seen.get(alias) != versions[arn].version:
                yield _post("registered-models/alias", **named, version=str(versions[arn].version))
        elif alias in seen:
            yield Call("DELETE", "registered-models/alias", named)


def _oldest_runs(seen: Iterable[SeenRun]) -> dict[str, SeenRun]:
    """By package, the first of those that bear its tag."""
    return _first(seen, lambda run: (run.started_at, run.id))


def _oldest_versions(seen: Iterable[SeenVersion]) -> dict[str, SeenVersion]:
    return _first(seen, lambda version: (float(version.version), ""))


def _first(seen: Iterable[Tagged], order: Callable[[Tagged], tuple[float, str]]) -> dict[str, Tagged]:
    return {item.tags[PACKAGE_TAG]: item for item in sorted(seen, key=order, reverse=True)}


def _post(path: str, **body: Any) -> Call:
    return Call("POST", path, body)


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _name(key: str) -> str:
    return key.replace(":", ".")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
