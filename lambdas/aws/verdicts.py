"""Verdicts on drift: kept in the bucket, published as metrics, told to people and machines."""

from collections.abc import Iterator, Mapping

from lambdas.aws import bucket, counted, metrics, notify
from lambdas.aws.settings import setting
from slipway import codec, names
from slipway.drift import message
from slipway.drift.findings import Drift
from slipway.drift.reference import Reference

DRIFT, REPORT = "drift.json", "report.html"
TOP_FEATURES = 5  # that have a metric each, the most important ones; every metric costs by the month


def key(endpoint: str, variant: str, since: float, file: str) -> str:
    return names.monitored(endpoint, names.RESULTS, variant, counted.when(since), file)


def newest(endpoint: str, variant: str, after: float) -> Drift | None:
    """The newest verdict on a window that starts at `after` or later (unix seconds)."""
    found = max(_keys(endpoint, variant, after), default=None)
    return _read(found) if found else None


def remedies(endpoint: str, after: float) -> list[str]:
    """Of the verdicts on the baseline's windows that start at `after` or later (unix seconds)."""
    found = map(_read, _keys(endpoint, names.BASELINE, after))
    return [drift.remedy.value for drift in found if drift]


def _keys(endpoint: str, variant: str, after: float) -> Iterator[str]:
    prefix = names.monitored(endpoint, names.RESULTS, variant)
    keys = bucket.below(prefix, after=f"{prefix}/{counted.when(after)}")
    return (key for key in keys if key.endswith(f"/{DRIFT}"))


def _read(key: str) -> Drift | None:
    body = bucket.get(key)
    return codec.loads(Drift, body.decode()) if body else None


def tell(endpoint: str, variant: str, version: str, drift: Drift, before: Drift | None) -> str:
    """Sends what is new, and answers which kind of event it was; empty if nothing is."""
    kind = message.news(before, drift)
    if kind:
        evidence = f"s3://{setting('BUCKET')}/{key(endpoint, variant, drift.since, DRIFT)}"
        notify.emit(kind, message.detail(endpoint, variant, version, drift, evidence))
        if message.concerns_people(before, drift):
            told = message.body(endpoint, variant, version, drift, evidence)
            notify.publish(message.subject(endpoint, variant, kind, drift), told)
    return kind


def keep(endpoint: str, variant: str, drift: Drift, described: Mapping[str, bytes]) -> None:
    """described: further files beside it. After all that tells: a look that failed on the way is told again rather
    than never."""
    for file, body in described.items():
        bucket.put(key(endpoint, variant, drift.since, file), body)
    bucket.put(key(endpoint, variant, drift.since, DRIFT), codec.dumps(drift).encode())


def show(endpoint: str, variant: str, drift: Drift, page: str) -> None:
    """page: HTML, kept beside the verdict."""
    bucket.put(key(endpoint, variant, drift.since, REPORT), page.encode(), kind="text/html; charset=utf-8")


def unwatched(endpoint: str, version: str, reason: str) -> None:
    """Tells people once that a package is served whose traffic can't be judged."""
    if bucket.put_new(names.monitored(endpoint, names.BASELINES, version, "missing"), reason.encode()):
        notify.publish(f"UNWATCHED: {endpoint} version {version} has no baseline", f"Drift can't be seen: {reason}\n")


def measure(endpoint: str, variant: str, reference: Reference, drift: Drift, coverage: float | None) -> None:
    """Metrics of bounded number: one a detector, one for each of the few most important features, and two more.

    coverage: share of the newest labelled window's rows that have their label.
    """
    found = {finding.detector.value for finding in message.alarming(drift)}
    ranked = sorted(reference.features, key=lambda feature: -feature.importance)[:TOP_FEATURES]
    effects = message.effects((feature.name for feature in ranked), drift)
    points = [(names.DRIFT, float(name in found), {"Detector": name}) for name in names.DETECTORS]
    points += [(names.DRIFT_EFFECT, effect, {"Feature": names.dimension(name)}) for name, effect in effects.items()]
    points += [] if coverage is None else [(names.LABEL_COVERAGE, coverage, {})]
    metrics.put({"EndpointName": endpoint, "VariantName": variant}, [*points, (names.WINDOWS, 1.0, {})], drift.at)
