"""What Model Monitor's container computes: statistics of an hour of captured CSV, and how good its answers were.

Columns have no names: `_c0` is the answer, `_c1` and so on the request's. Files as in the guide pages "Schema for
Statistics" and "Model Quality Metrics"; the sketch as in Karnin, Lang, Liberty, "Optimal Quantile Approximation in
Streams", 2016.
"""

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

CAPACITY, BUCKETS, MOST_LEVELS = 2048, 10, 100


class NoData(ValueError):
    """The words with which such a job fails."""


def data_quality(lines: Iterable[str]) -> dict[str, Any]:
    """`statistics.json` of captured lines. Raises NoData."""
    rows = [row for record in map(json.loads, lines) for row in _rows(record)]
    if not rows:
        raise NoData("Job inputs had no data")
    columns = zip(*(row + [""] * (max(map(len, rows)) - len(row)) for row in rows), strict=True)
    features = [_column(f"_c{place}", values) for place, values in enumerate(columns)]
    return {"version": 0.0, "dataset": {"item_count": len(rows)}, "features": features}


def model_quality(lines: Iterable[str], truths: Iterable[str]) -> dict[str, Any]:
    """`statistics.json` of answers that have their label. Raises NoData."""
    labels = {t["eventMetadata"]["eventId"]: float(t["groundTruthData"]["data"]) for t in map(json.loads, truths)}
    pairs = [
        (float(row[0]), labels[id])
        for record in map(json.loads, lines)
        if (id := _id(record)) in labels
        for row in _rows(record)
    ]
    if not pairs:
        raise NoData("No ground truth could be merged with the captured data")
    right = sum((score >= 0.5) == (label == 1) for score, label in pairs)
    called = [label for score, label in pairs if score >= 0.5]
    real = [score >= 0.5 for score, label in pairs if label == 1]
    measured = {
        "accuracy": right / len(pairs),
        "precision": sum(called) / len(called) if called else 0.0,
        "recall": sum(real) / len(real) if real else 0.0,
    }
    metrics = {name: {"value": value, "standard_deviation": "NaN"} for name, value in measured.items()}
    return {"version": 0.0, "dataset": {"item_count": len(pairs)}, "binary_classification_metrics": metrics}


def violations(found: dict[str, Any], constraints: dict[str, Any]) -> list[dict[str, str]]:
    """Of completeness and data type, against a baseline's `constraints.json`."""
    wanted = {one["name"]: one for one in constraints.get("features", ())}
    told = []
    for feature in found.get("features", ()):
        limits, common = wanted.get(feature["name"], {}), next(iter(_common(feature)))
        rows = common["num_present"] + common["num_missing"]
        complete = common["num_present"] / rows
        if complete < limits.get("completeness", 0.0):
            says = f"Value: {complete} does not meet the constraint requirement! "
            told.append(_violation(feature["name"], "completeness_check", says))
        if limits.get("inferred_type", feature["inferred_type"]) != feature["inferred_type"]:
            says = f"Data type match requirement is not met. Expected: {limits['inferred_type']}."
            told.append(_violation(feature["name"], "data_type_check", says))
    return told


def sketch(values: Sequence[float]) -> list[list[float]]:
    """`data[i]` holds items that stand for 2**i values each; exact while CAPACITY suffices."""
    levels = [sorted(values)]
    while len(levels[-1]) > CAPACITY:
        full = levels[-1]
        odd = full[-1:] if len(full) % 2 else []
        paired = full[: len(full) - len(odd)]
        levels[-1] = odd
        levels.append(paired[len(levels) % 2 :: 2])
    return levels


def _rows(record: dict[str, Any]) -> list[list[str]]:
    captured = record["captureData"]
    asked, answered = (captured[side]["data"].splitlines() for side in ("endpointInput", "endpointOutput"))
    return [[score, *row.split(",")] for score, row in zip(answered, asked, strict=False)]


def _id(record: dict[str, Any]) -> str:
    metadata = record["eventMetadata"]
    return str(metadata.get("inferenceId") or metadata["eventId"])


def _column(name: str, values: Sequence[str]) -> dict[str, Any]:
    present = [value for value in values if value not in ("", "nan", "NaN")]
    common = {"num_present": len(present), "num_missing": len(values) - len(present)}
    numbers = _numbers(present)
    if numbers is None:
        counts = Counter(present)
        buckets = [{"value": value, "count": n} for value, n in counts.most_common(MOST_LEVELS)]
        shown = {"distribution": {"categorical": {"buckets": buckets}}} if len(counts) <= MOST_LEVELS else {}
        told = {"common": common, "distinct_count": len(counts), **shown}
        return {"name": name, "inferred_type": "String", "string_statistics": told}
    whole = all(number.is_integer() for number in numbers)
    told = {"common": common, **_moments(numbers), "distribution": {"kll": _kll(numbers)}}
    return {"name": name, "inferred_type": "Integral" if whole else "Fractional", "numerical_statistics": told}


def _numbers(texts: Sequence[str]) -> list[float] | None:
    try:
        return [number for text in texts if math.isfinite(number := float(text))] or None
    except ValueError:
        return None


def _moments(numbers: Sequence[float]) -> dict[str, float]:
    sums = {"mean": statistics.fmean(numbers), "sum": math.fsum(numbers), "std_dev": statistics.pstdev(numbers)}
    return {**sums, "min": min(numbers), "max": max(numbers)}


def _kll(numbers: Sequence[float]) -> dict[str, Any]:
    low, high = min(numbers), max(numbers)
    width = (high - low) / BUCKETS or 1.0
    places = Counter(min(BUCKETS - 1, int((number - low) / width)) for number in numbers)
    buckets = [
        {"lower_bound": low + i * width, "upper_bound": low + (i + 1) * width, "count": places[i]}
        for i in range(BUCKETS)
    ]
    return {"buckets": buckets, "sketch": {"parameters": {"c": 0.64, "k": float(CAPACITY)}, "data": sketch(numbers)}}


def _common(feature: dict[str, Any]) -> Iterable[dict[str, int]]:
    return (feature[kind]["common"] for kind in ("numerical_statistics", "string_statistics") if kind in feature)


def _violation(name: str, kind: str, says: str) -> dict[str, str]:
    return {"feature_name": name, "constraint_check_type": kind, "description": says}
