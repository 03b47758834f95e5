"""Model Monitor's files -> `Reference`, `Profile`, violations. Its spellings vary between versions: keys are compared
without case and underscores, and the numbers of violations are read out of their prose."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitoring import cuts
from monitoring.columns import level_of
from monitoring.model_monitor import sketch
from monitoring.model_monitor.rules import Violation
from slipway.drift.profile import Column, Profile, unlabelled
from slipway.drift.reference import Feature, Kind, Reference
from slipway.stats.means import Moments

VALUE = r"(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
PROSE = (
    (re.compile(rf"distance: {VALUE} exceeds (?:\w+ )?threshold: {VALUE}"), 1.0),
    (re.compile(rf"Only {VALUE}% of data"), 0.01),
    (re.compile(rf"Value: {VALUE} does not meet"), 1.0),
)


def reference(statistics: Mapping[str, Any], package: str, threshold: float = 0.5) -> Reference:
    """Cells from the sketches and categories of a baseline's `statistics.json`; a score's are not in it."""
    features = tuple(_feature(document) for document in _get(statistics, "features") or ())
    return cuts.identified(Reference("", package, features, cuts.ANY_SCORE, threshold))


def profile(statistics: Mapping[str, Any], reference: Reference) -> Profile:
    """A window's `statistics.json`. A feature it lacks is absent in every row, one beyond the reference is surplus."""
    documents = {_get(document, "name"): document for document in _get(statistics, "features") or ()}
    rows = int(_get(_get(statistics, "dataset") or {}, "item_count") or 0)
    columns = tuple(_column(feature, documents.get(feature.name), rows) for feature in reference.features)
    surplus = rows * len(documents.keys() - {feature.name for feature in reference.features})
    scores = Column((0,) * reference.scores.cells, absent=rows)
    return Profile(reference.id, columns, scores, rows, rows, rows, surplus=surplus, labelled=unlabelled(reference))


def violations(document: Mapping[str, Any]) -> list[Violation]:
    """Of a `constraint_violations.json`."""
    found = _get(document, "violations", "constraint_violations", "constraints_violations") or ()
    return [
        _violation(*(str(_get(one, key) or "") for key in ("feature_name", "constraint_check_type", "description")))
        for one in found
    ]


def _violation(name: str, kind: str, description: str) -> Violation:
    for pattern, unit in PROSE:
        if numbers := pattern.search(description):
            value, *threshold = (float(number.rstrip(".")) * unit for number in numbers.groups())
            return Violation(name, kind, description, value, threshold[0] if threshold else None)
    return Violation(name, kind, description)


def _get(document: Mapping[str, Any], *names: str) -> Any:
    """The value of a key, however it is spelled; None without one."""
    wanted = {name.replace("_", "").lower() for name in names}
    return next((value for key, value in document.items() if key.replace("_", "").lower() in wanted), None)


def _feature(document: Mapping[str, Any]) -> Feature:
    name, numerical = _get(document, "name"), _get(document, "numerical_statistics")
    if not numerical:
        return Feature(name, Kind.CATEGORY, levels=cuts.levels(_categories(document)))
    values = _weighted(numerical)
    distinct = [value for value, _ in values]
    if len(distinct) <= cuts.CELLS:
        edges = cuts.of_values(distinct)
    else:
        edges = cuts.of_quantiles(sketch.quantiles(values, cuts.SHARES), distinct[0])
    return Feature(name, edges=edges, integral=_get(document, "inferred_type") == "Integral")


def _column(feature: Feature, document: Mapping[str, Any] | None, rows: int) -> Column:
    cells = [0] * feature.cells
    numerical = _get(document or {}, "numerical_statistics")
    common = _get(numerical or _get(document or {}, "string_statistics") or {}, "common")
    if document is None or common is None:
        return Column(tuple(cells), absent=rows)
    found, missing = int(_get(common, "num_present")), int(_get(common, "num_missing"))
    values = _weighted(numerical) if numerical else []
    if feature.kind is Kind.CATEGORY:
        counts = {level_of(value): n for value, n in values} if numerical else _categories(document)
        cells = [counts.get(level, 0) for level in feature.levels]
        return Column(tuple(cells), nulls=missing, unseen=found - sum(cells))
    for value, n in values:
        cells[feature.cell(value)] += n
    counted = sum(cells)
    errors = max(0, found - counted)
    return replace(_numbers(numerical or {}, values, counted), cells=tuple(cells), nulls=missing, type_errors=errors)


def _numbers(numerical: Mapping[str, Any], values: sketch.Weighted, counted: int) -> Column:
    """What is known of a feature's numbers beside their cells."""
    if not counted:
        return Column()
    mean, deviation = float(_get(numerical, "mean")), float(_get(numerical, "std_dev"))
    return Column(
        fractional=sum(n for value, n in values if not value.is_integer()),
        negative=sum(n for value, n in values if value < 0),
        moments=Moments(counted, mean * counted, counted * (deviation**2 + mean**2)),
        least=float(_get(numerical, "min")),
        most=float(_get(numerical, "max")),
    )


def _weighted(numerical: Mapping[str, Any]) -> sketch.Weighted:
    kll = _get(_get(numerical, "distribution") or {}, "kll")
    return sketch.read(kll) if kll and _get(kll, "sketch") else []


def _categories(document: Mapping[str, Any]) -> dict[str, int]:
    """Rows by level; none for a string of too many values, whose distribution Model Monitor leaves out."""
    distribution = _get(_get(document, "string_statistics") or {}, "distribution") or {}
    buckets = _get(_get(distribution, "categorical") or {}, "buckets") or ()
    counts = Counter[str]()
    for bucket in buckets:
        counts[level_of(str(_get(bucket, "value")))] += int(_get(bucket, "count"))
    return counts
