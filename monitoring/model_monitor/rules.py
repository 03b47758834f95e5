"""Model Monitor's own checks of a window against its baseline, for comparison: fixed thresholds, no calibration.

The distance is L-infinity of the cumulated distributions, `Robust` subtracts 1.8 * sqrt((n + m) / (n m)) as Deequ does
(github.com/awslabs/deequ, analyzers/Distance). Below half a standard deviation 0.1 sees nothing, at any volume.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from slipway.drift.profile import Column, Profile
from slipway.drift.reference import Feature, Kind, Reference

# What it takes where constraints leave it out.
DEFAULTS: dict[str, Any] = {"datatype_check_threshold": 1.0, "domain_content_threshold": 1.0}
COMPARISON: dict[str, Any] = {
    "perform_comparison": "Enabled",
    "comparison_threshold": 0.1,
    "comparison_method": "Robust",
    "categorical_comparison_threshold": 0.1,
}


@dataclass(frozen=True)
class Violation:
    """value, threshold: the numbers inside the prose of the description; None where it has none."""

    feature_name: str
    constraint_check_type: str
    description: str
    value: float | None = None
    threshold: float | None = None


def present(column: Column) -> int:
    return column.rows - column.nulls - column.absent


def inferred_type(feature: Feature, column: Column) -> str:
    """Integral, Fractional, String, or Unknown where no value tells."""
    if not present(column):
        return "Unknown"
    if feature.kind is Kind.CATEGORY or not column.moments.n:
        return "String"
    return "Fractional" if column.fractional else "Integral"


def check(profile: Profile, baseline: Profile, reference: Reference, constraints: Mapping[str, Any]) -> list[Violation]:
    """The violations that Model Monitor would find in a window, counted by the baseline's own reference."""
    if not profile.rows:
        return []
    config = DEFAULTS | constraints["monitoring_config"]
    comparison = COMPARISON | config["distribution_constraints"]
    wanted = {one["name"]: one for one in constraints["features"]}
    found = list(_columns(profile, reference))
    for feature, now, before in zip(reference.features, profile.columns, baseline.columns, strict=True):
        if feature.name in wanted and present(now):
            found += _values(feature, now, wanted[feature.name], config)
            found += _drift(feature, now, before, comparison)
    return found


def _columns(profile: Profile, reference: Reference) -> Iterator[Violation]:
    for feature, column in zip(reference.features, profile.columns, strict=True):
        if column.absent == profile.rows:
            yield Violation(feature.name, "missing_column_check", "There are missing columns in current dataset.")
    if profile.surplus:
        yield Violation("Extra columns", "extra_column_check", "There are extra columns in current dataset.")


def _values(
    feature: Feature, column: Column, wanted: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[Violation]:
    complete, expected, kind = present(column) / column.rows, wanted["completeness"], wanted["inferred_type"]
    if complete < expected:
        yield Violation(feature.name, "completeness_check", _unmet(complete), complete, expected)
    matching = _of_type(feature, column, kind)
    if matching < config["datatype_check_threshold"]:
        says = f"Data type match requirement is not met. Expected: {kind}. Only {matching:.3%} of data is {kind}."
        yield Violation(feature.name, "data_type_check", says, matching, config["datatype_check_threshold"])
    if "string_constraints" in wanted:
        known, least = 1 - column.unseen / present(column), config["domain_content_threshold"]
        if known < least:
            yield Violation(feature.name, "categorical_values_check", _unmet(known), known, least)


def _unmet(value: float) -> str:
    return f"Value: {value} does not meet the constraint requirement! "


def _of_type(feature: Feature, column: Column, kind: str) -> float:
    if feature.kind is Kind.CATEGORY or kind not in ("Integral", "Fractional"):
        return 1.0
    numbers = column.moments.n + column.infinite
    return (numbers - (column.fractional if kind == "Integral" else 0)) / present(column)


def _drift(feature: Feature, now: Column, before: Column, config: Mapping[str, Any]) -> Iterator[Violation]:
    if config["perform_comparison"] != "Enabled":
        return
    categorical = feature.kind is Kind.CATEGORY
    threshold = config["categorical_comparison_threshold" if categorical else "comparison_threshold"]
    found = distance(now, before, cumulated=not categorical, robust=config["comparison_method"] == "Robust")
    if found > threshold:
        says = f"Baseline drift distance: {found} exceeds threshold: {threshold}"
        yield Violation(feature.name, "baseline_drift_check", says, found, threshold)


def distance(now: Column, before: Column, *, cumulated: bool, robust: bool) -> float:
    """L-infinity between two columns of the same cells: of cumulated shares for numbers, of shares for categories."""
    one, other = ([*column.cells, column.unseen] for column in (now, before))
    n, m = sum(one), sum(other)
    if not (n and m):
        return 0.0
    if cumulated:
        one, other = list(accumulate(one)), list(accumulate(other))
    farthest = max(abs(a / n - b / m) for a, b in zip(one, other, strict=True))
    return max(0.0, farthest - 1.8 * math.sqrt((n + m) / (n * m))) if robust else farthest
