"""A `Profile` in Model Monitor's layout. Reading the files back gives the same counts."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from monitoring.model_monitor import sketch
from monitoring.model_monitor.rules import COMPARISON, DEFAULTS, Violation, inferred_type, present
from slipway.drift.profile import Column, Profile
from slipway.drift.reference import Feature, Kind, Reference

MOST_DOMAIN = 100  # levels; Model Monitor names no domain for strings with more
SWITCHED_ON = {"evaluate_constraints": "Enabled", "emit_metrics": "Enabled"}


def statistics(profile: Profile, reference: Reference) -> dict[str, Any]:
    """`statistics.json`. A cell stands in the sketch by its lower edge, a value of the training data."""
    features = [_statistics(f, c) for f, c in zip(reference.features, profile.columns, strict=True)]
    return {"version": 0.0, "dataset": {"item_count": profile.rows}, "features": features}


def constraints(profile: Profile, reference: Reference, threshold: float = 0.1) -> dict[str, Any]:
    """`constraints.json` that a healthy profile suggests. threshold: the distance Model Monitor alarms from."""
    return {
        "version": 0.0,
        "features": [_constraints(f, c) for f, c in zip(reference.features, profile.columns, strict=True)],
        "monitoring_config": {
            **SWITCHED_ON,
            **DEFAULTS,
            "distribution_constraints": {
                **COMPARISON,
                "comparison_threshold": threshold,
                "categorical_comparison_threshold": threshold,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def constraint_violations(found: Iterable[Violation]) -> dict[str, Any]:
    """`constraint_violations.json`."""
    keys = ("feature_name", "constraint_check_type", "description")
    return {"violations": [{key: asdict(one)[key] for key in keys} for one in found]}


def _statistics(feature: Feature, column: Column) -> dict[str, Any]:
    common = {"num_present": present(column), "num_missing": column.nulls + column.absent}
    completeness = present(column) / column.rows if column.rows else 0.0
    named = {"name": feature.name, "inferred_type": inferred_type(feature, column)}
    if feature.kind is Kind.CATEGORY:
        buckets = [{"value": level, "count": n} for level, n in zip(feature.levels, column.cells, strict=True) if n]
        categorical = {"distribution": {"categorical": {"buckets": buckets}}} if buckets else {}
        distinct = {"distinct_count": float(len(buckets)), "completeness": completeness}
        return {**named, "string_statistics": {"common": common, **distinct, **categorical}}
    return {
        **named,
        "numerical_statistics": {
            "common": common,
            **_sums(column),
            "completeness": completeness,
            "distribution": {"kll": sketch.written(_values(feature, column))},
        },
    }


def _sums(column: Column) -> dict[str, Any]:
    moments = column.moments
    if not moments.n:
        return {}
    variance = max(0.0, moments.squares / moments.n - moments.mean**2)
    sums = {"mean": moments.mean, "sum": moments.total, "std_dev": math.sqrt(variance)}
    return {**sums, "min": column.least, "max": column.most}


def _values(feature: Feature, column: Column) -> sketch.Weighted:
    lows = [column.least if column.least is not None else 0.0, *feature.edges]
    return [(low, n) for low, n in zip(lows, column.cells, strict=True) if n]


def _constraints(feature: Feature, column: Column) -> dict[str, Any]:
    kind = inferred_type(feature, column)
    completeness = present(column) / column.rows if column.rows else 0.0
    named: dict[str, Any] = {"name": feature.name, "inferred_type": kind, "completeness": completeness}
    if kind in ("Integral", "Fractional"):
        named["num_constraints"] = {"is_non_negative": column.negative == 0}
    elif feature.kind is Kind.CATEGORY and 0 < len(feature.levels) <= MOST_DOMAIN and not column.unseen:
        named["string_constraints"] = {"domains": list(feature.levels)}
    return named
