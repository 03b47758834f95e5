"""Model Monitor's KLL sketch: `data[i]` holds items that stand for 2**i values each.

Z. Karnin, K. Lang, E. Liberty, "Optimal Quantile Approximation in Streams", 2016; the file's layout is that of Deequ
(github.com/awslabs/deequ, analyzers/KLLSketch). The ten buckets beside it are of equal width: one of them may hold
nearly every row, so they are written for others and never read.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

BUCKETS = 10
PARAMETERS = {"c": 0.64, "k": 2048.0}  # of Model Monitor's own sketches

Weighted = list[tuple[float, int]]  # values, ascending, and how many rows each stands for


def written(values: Weighted) -> dict[str, Any]:
    """The `kll` object of values and their exact counts."""
    levels = max((n.bit_length() for _, n in values), default=0)
    data = [[value for value, n in values if n >> level & 1] for level in range(levels)]
    return {"buckets": _buckets(values), "sketch": {"parameters": PARAMETERS, "data": data}}


def read(kll: Mapping[str, Any]) -> Weighted:
    """Raises KeyError or TypeError where there is no sketch."""
    weights: dict[float, int] = {}
    for level, items in enumerate(kll["sketch"]["data"]):
        for item in items:
            weights[float(item)] = weights.get(float(item), 0) + 2**level
    return sorted(weights.items())


def quantiles(values: Weighted, shares: Sequence[float]) -> list[float]:
    """For each share the smallest value that at least this share of the rows does not exceed."""
    cumulated = list(accumulate(n for _, n in values))
    found, at = [], 0
    for share in sorted(shares):
        while cumulated[at] < share * cumulated[-1]:
            at += 1
        found.append(values[at][0])
    return found


def _buckets(values: Weighted) -> list[dict[str, float]]:
    if not values:
        return []
    least, most = values[0][0], values[-1][0]
    width = (most - least) / BUCKETS
    counts = [0] * BUCKETS
    for value, n in values:
        counts[min(BUCKETS - 1, int((value - least) / width)) if width else 0] += n
    ends = [*(least + width * bucket for bucket in range(BUCKETS)), most]
    return [
        {"lower_bound": low, "upper_bound": high, "count": float(n)}
        for low, high, n in zip(ends, ends[1:], counts, strict=False)
    ]
