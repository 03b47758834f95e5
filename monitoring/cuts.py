"""How a `Reference` is cut from training data: at most CELLS cells a number, at most LEVELS levels a category."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from slipway import codec
from slipway.drift.reference import Feature, Reference

CELLS = 100
LEVELS = 200  # rarer ones count as unseen, in the baseline too
SHARES = [cell / CELLS for cell in range(1, CELLS)]
ANY_SCORE = Feature("score", edges=tuple(SHARES))  # where no score of the model is known


def of_values(distinct: Sequence[float]) -> tuple[float, ...]:
    """A cell for each of a few values, ascending. A constant has one of its own, so that any other value shows."""
    if len(distinct) == 1:
        return (distinct[0], math.nextafter(distinct[0], math.inf))
    return tuple(distinct[1:])


def of_quantiles(quantiles: Sequence[float], least: float) -> tuple[float, ...]:
    """Cuts at quantiles, which may repeat; none at the least value, whose cell would be empty."""
    return tuple(cut for cut in sorted(set(quantiles)) if cut > least)


def levels(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The most frequent levels first."""
    return tuple(sorted(filter(None, counts), key=lambda level: (-counts[level], level))[:LEVELS])


def identified(reference: Reference) -> Reference:
    """With the digest of what it holds as its id."""
    nameless = replace(reference, id="")
    return replace(nameless, id=hashlib.sha256(codec.dumps(nameless).encode()).hexdigest()[:16])
