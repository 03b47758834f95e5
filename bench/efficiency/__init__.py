"""How near do the sequential tests come to the information limit, and what does peeking cost them?

Delay is the mean number of candidate requests (or pairs) at detection; the limit is ln(1/alpha) / KL, which no test
that holds alpha beats on average. Type I is P(ever rejects): exact by dynamic programme where evidence depends on
the counts alone, else simulated, with its standard error.
"""

import math
from dataclasses import dataclass

ALPHA = 0.05
ENOUGH = math.log(1 / ALPHA)


@dataclass(frozen=True)
class Row:
    """One test. type_i_error: standard error, None if exact. delay_over_limit: by effect; most: the bar, or None."""

    test: str
    type_i: float
    type_i_error: float | None
    delay_over_limit: dict[str, float]
    most: dict[str, float] | None = None

    @property
    def passes(self) -> bool:
        slack = 3 * (self.type_i_error or 0)
        return self.most is None or (
            self.type_i <= ALPHA + slack and all(self.delay_over_limit[effect] <= x for effect, x in self.most.items())
        )


def standard_error(share: float, n: int) -> float:
    """Of a simulated share; one hit in n if there was none."""
    return math.sqrt(max(share * (1 - share), 1 / n) / n)
