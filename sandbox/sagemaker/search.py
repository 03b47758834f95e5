"""Points of a search space, drawn at random: what a tuning job tries.

Scaling as in the guide page "Define Hyperparameter Ranges": equal chances for equal differences (Linear, and what Auto
is taken for), for equal ratios (Logarithmic), or for equal ratios of the distance to 1 (ReverseLogarithmic).
"""

import math
import random
from collections.abc import Iterator
from typing import Any

from sandbox.sagemaker.errors import invalid

Ranges = dict[str, list[dict[str, Any]]]


def points(ranges: Ranges, seed: int | None, count: int) -> list[dict[str, str]]:
    """The same seed gives the same points, whatever becomes of the jobs that try them; None: others each time."""
    rng = random.Random(seed)
    return [dict(_point(ranges, rng)) for _ in range(count)]


def check(ranges: Ranges) -> list[str]:
    """The names that vary. Raises ValidationException for a range that is none."""
    numbers = [*ranges.get("IntegerParameterRanges", ()), *ranges.get("ContinuousParameterRanges", ())]
    for one in numbers:
        least, most, scaling = float(one["MinValue"]), float(one["MaxValue"]), one.get("ScalingType")
        if not least < most:
            raise invalid(f"{one['Name']}: MinValue {least:g} must be less than MaxValue {most:g}.")
        if scaling == "Logarithmic" and least <= 0:
            raise invalid(f"{one['Name']}: a logarithmic range must be above 0.")
        if scaling == "ReverseLogarithmic" and not (least >= 0 and most < 1):
            raise invalid(f"{one['Name']}: a reverse logarithmic range must lie from 0 to below 1.")
    named = [one["Name"] for one in [*numbers, *ranges.get("CategoricalParameterRanges", ())]]
    if not named or len({*named}) < len(named):
        raise invalid("ParameterRanges must name at least one hyperparameter, and each once.")
    return named


def _point(ranges: Ranges, rng: random.Random) -> Iterator[tuple[str, str]]:
    for one in ranges.get("IntegerParameterRanges", ()):
        least, most = int(one["MinValue"]), int(one["MaxValue"])
        yield one["Name"], str(min(most, math.floor(_between(least, most + 1, one.get("ScalingType"), rng))))
    for one in ranges.get("ContinuousParameterRanges", ()):
        yield one["Name"], str(_between(float(one["MinValue"]), float(one["MaxValue"]), one.get("ScalingType"), rng))
    for one in ranges.get("CategoricalParameterRanges", ()):
        yield one["Name"], rng.choice(one["Values"])


def _between(least: float, most: float, scaling: str | None, rng: random.Random) -> float:
    if scaling == "Logarithmic":
        drawn = math.exp(rng.uniform(math.log(least), math.log(most)))
    elif scaling == "ReverseLogarithmic":
        drawn = 1 - math.exp(rng.uniform(math.log(1 - most), math.log(1 - least)))
    else:
        drawn = rng.uniform(least, most)
    return min(most, max(least, drawn))
