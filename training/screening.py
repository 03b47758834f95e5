"""Checks of a dataset before it is trained on: is it what the champion was promised, and can it be learnt from?"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

if __package__:
    from training import metrics
else:  # in the container the files lie flat
    import metrics

import numpy as np
import pandas as pd

LEAST_FOR_LEAK = 30  # rows of each class


@dataclass(frozen=True)
class Options:
    """validation, holdout: shares of the rows. Shares of what is tolerated: rejected lines; rows without a label; rows
    `out_of_range`, which is further outside the champion's range than the range is wide. leak: the ROC-AUC of a single
    feature that is too good to be known at the time of the request. never: columns known only afterwards, by name.
    drifted: unix seconds; at most half of the rows since then are held out, so that there is something of the world as
    it is now to learn from, too, and the holdout tells about no other. 0: nothing has drifted."""

    validation: float = 0.15
    holdout: float = 0.25
    rejected: float = 0.01
    unlabelled: float = 0.5
    out_of_range: float = 0.01
    least_positives: int = 30
    leak: float = 0.99
    never: str = ""
    drifted: float = 0.0

    def __post_init__(self) -> None:
        for name in ("validation", "holdout", "rejected", "unlabelled", "out_of_range", "leak"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"--{name.replace('_', '-')}: from 0 to 1, got {getattr(self, name)}")
        if not (self.validation > 0 and self.holdout > 0 and self.validation + self.holdout < 1):
            raise ValueError("--validation and --holdout: both more than 0, together less than 1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for field in fields(Options):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)


def options(given: argparse.Namespace) -> Options:
    return Options(**{field.name: getattr(given, field.name) for field in fields(Options)})


def checks(
    parts: dict[str, pd.DataFrame], counts: dict[str, int], champion: dict[str, Any], given: Options
) -> list[dict[str, Any]]:
    """Each with `name`, `passed` and what it `says`."""
    rows = pd.concat(parts.values(), ignore_index=True)
    target = champion["target"]
    return [
        _schema(counts, given),
        _labels(counts, given),
        *_classes(parts, target, given),
        _fresh(parts["holdout"], champion),
        *_ranges(rows, champion, given),
        *_leaks(rows, target, champion, given),
    ]


def _check(name: str, passed: bool, says: str) -> dict[str, Any]:
    return {"name": name, "passed": bool(passed), "says": says}


def _schema(counts: dict[str, int], given: Options) -> dict[str, Any]:
    rejected = {name: n for name, n in counts.items() if name.startswith("rejected_") or name == "incomplete"}
    total, read = sum(rejected.values()), sum(rejected.values()) + counts["rows"] + counts["unlabelled"]
    why = ", ".join(f"{n} {name.removeprefix('rejected_')}" for name, n in sorted(rejected.items()) if n) or "none"
    says = f"{total} of {read} lines can't be used ({why}); tolerated {given.rejected:.1%}"
    return _check("schema", total <= given.rejected * max(read, 1), says)


def _labels(counts: dict[str, int], given: Options) -> dict[str, Any]:
    asked = counts["rows"] + counts["incomplete"] + counts["unlabelled"]
    says = f"{counts['unlabelled']} of {asked} requests have no label; tolerated {given.unlabelled:.0%}"
    if counts["late_labels"] or counts["unmatched_labels"]:
        says += f"; {counts['late_labels']} labels came after the cut, {counts['unmatched_labels']} fit no request"
    return _check("labels", asked and counts["unlabelled"] <= given.unlabelled * asked, says)


def _classes(parts: dict[str, pd.DataFrame], target: str, given: Options) -> Iterator[dict[str, Any]]:
    for name, part in parts.items():
        positives = int(part[target].sum())
        says = f"{name} has {len(part)} rows, {positives} positive; at least {given.least_positives} of each class"
        yield _check("classes", min(positives, len(part) - positives) >= given.least_positives, says)


def _fresh(holdout: pd.DataFrame, champion: dict[str, Any]) -> dict[str, Any]:
    """By the champion's own record of what it saw, where that is in event times."""
    if champion.get("hyperparameters", {}).get("time_column") != "event_time" or not len(holdout):
        return _check("fresh", True, "the champion's training window is not in event times: not checked")
    seen = champion["data"].get("seen", champion["data"]["window"])[1]
    begins = holdout["event_time"].iloc[0]
    says = f"the holdout begins {abs(begins - seen) / 3600:.1f} h {'after' if begins > seen else 'before'} the end of"
    return _check("fresh", begins > seen, f"{says} what the champion has seen")


def _ranges(rows: pd.DataFrame, champion: dict[str, Any], given: Options) -> Iterator[dict[str, Any]]:
    """A shift stays near the old range; another unit, or a column that has collapsed, does not.

    A feature that was constant tells no range.
    """
    for feature in champion["features"]:
        values = rows[feature["name"]].dropna().to_numpy()
        if feature["min"] is None or feature["min"] == feature["max"] or not len(rows):
            continue
        width = feature["max"] - feature["min"]
        outside = ((values < feature["min"] - width) | (values > feature["max"] + width)).sum() / len(rows)
        if outside > given.out_of_range:
            says = f"{outside:.1%} of {feature['name']} is far outside {feature['min']:g} to {feature['max']:g}"
            yield _check("range", False, f"{says}: another unit? tolerated {given.out_of_range:.1%}")
        if not len(values) or values.min() == values.max():
            what = f"is always {values[0]:g}" if len(values) else "is always missing"
            yield _check("range", False, f"{feature['name']} {what}, and it was not when the champion was trained")


def _leaks(rows: pd.DataFrame, target: str, champion: dict[str, Any], given: Options) -> Iterator[dict[str, Any]]:
    names = [feature["name"] for feature in champion["features"]]
    for name in filter(None, given.never.split(",")):
        says = f"{name} is known only after the outcome, and must be no feature"
        yield _check("leak", name not in names, says)
    labels = rows[target].to_numpy(dtype=float)
    if min(labels.sum(), len(labels) - labels.sum()) < LEAST_FOR_LEAK:
        return
    for name in names:
        values = rows[name].to_numpy(dtype=float)
        found = max(map(_separation, (labels, labels), (np.nan_to_num(values), np.isnan(values).astype(float))))
        if found >= given.leak:
            says = f"{name} alone tells the outcome (ROC-AUC {found:.3f}): known at the time of the request?"
            yield _check("leak", False, says)


def _separation(labels: np.ndarray, values: np.ndarray) -> float:
    found = metrics.auc(labels, values)
    return max(found, 1 - found)
