"""Has a mean moved, given that healthy windows move too?

Rows of a window share its hour, its campaign, its upstream batch, so the mean of a window varies by more than chance
among its rows. That excess is a variance between windows, which no number of rows makes smaller; it is learned from the
baseline's own windows, as are the correlation of neighbours and how well both are known.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from slipway.stats import gamma, student

_KNOWN = 1e6  # degrees of freedom from which Student's t is the normal
_NORMAL = NormalDist()
FEW = 1.0  # skewness of a sum from which few events are in it: of four, if they are independent


@dataclass(frozen=True)
class Spread:
    """between: variance of a window's mean beyond that of its rows, in units of the variance of one row.
    correlation: of neighbouring windows, >= 0. degrees: of freedom of `between`. kurtosis: of windows' means, beyond a
    normal's."""

    between: float = 0.0
    correlation: float = 0.0
    degrees: float = _KNOWN
    kurtosis: float = 0.0

    def over(self, windows: float) -> float:
        """Of the mean of so many neighbouring windows: a first-order autoregression's."""
        r = self.correlation
        if windows <= 1 or r == 0:
            return self.between / max(windows, 1.0)
        lags = 2 * r * (1 - math.pow(r, windows)) / (windows * (1 - r) ** 2)
        return self.between / windows * ((1 + r) / (1 - r) - lags)

    def degrees_over(self, windows: float) -> float:
        """Of the Student's distribution that the mean of so many windows has: by how many the variance is known from,
        or with tails as heavy as theirs, of which a mean of many has less."""
        return min(self.degrees, 4 + 6 * max(1.0, windows) / self.kurtosis) if self.kurtosis else self.degrees


@dataclass(frozen=True)
class Deviation:
    """A mean less its expectation. sampling: its variance from the rows; between: from windows, known with `degrees`;
    third: its third central moment."""

    value: float
    sampling: float
    between: float = 0.0
    degrees: float = _KNOWN
    third: float = 0.0

    @property
    def error(self) -> float:
        return math.sqrt(self.sampling + self.between)

    @property
    def p_value(self) -> float:
        """Two-sided."""
        if self.value == 0:
            return 1.0
        if self.error == 0:
            return 0.0
        z = abs(self.value) / self.error
        skewness = math.copysign(self.third, self.third * self.value) / self.error**3
        return tail(_normal_score(z, skewness) if skewness > 0 else z, self.degrees_in_all)

    def apart(self, other: "Deviation", mean: float) -> "Deviation":
        """From another one, were both of rows with this mean: what is less rare than expected varies more."""
        mine, theirs = (1 + abs(mean) * deviation._skewness for deviation in (self, other))
        return Deviation(
            self.value - other.value,
            mine * self.sampling + theirs * other.sampling,
            self.between + other.between,
            min(self.degrees, other.degrees),
            math.copysign(1, mean) * (mine * abs(self.third) - theirs * abs(other.third)),
        )

    @property
    def loudness(self) -> float:
        """Standard errors from the rows alone, as of a normal: few rare labels are many errors of their own, and little
        evidence. By the exponent of Bennett's bound (1962), as if the longer tail were the one."""
        x = abs(self.value) * self._skewness
        if x < 1e-6:
            return abs(self.value) / math.sqrt(self.sampling)
        return math.sqrt(2 * ((1 + x) * math.log1p(x) - x) / self.sampling) / self._skewness

    @property
    def _skewness(self) -> float:
        """Of one row, for its variance."""
        return abs(self.third) / self.sampling**2 if self.sampling else 0.0

    @property
    def degrees_in_all(self) -> float:
        """Welch and Satterthwaite's: only the part between windows is estimated from few values."""
        share = self.between / (self.sampling + self.between)
        return self.degrees / share**2 if share > math.sqrt(self.degrees / _KNOWN) else _KNOWN


def tail(z: float, degrees: float) -> float:
    """P(|T| >= z)."""
    if z <= 0:
        return 1.0
    return math.erfc(z / math.sqrt(2)) if degrees >= _KNOWN else student.two_sided_p(z, degrees)


def kolmogorov(distance: float, variance: float, between: float, degrees: float) -> float:
    """P of so large a distance of two distribution functions; variance: 1/n + 1/m, between: as `Deviation`'s.

    Kolmogorov's tail 2 exp(-2 x^2) is conservative on cells. It is that of a normal score of 2x, but for a factor;
    where `between` is estimated from few windows, that score is one of Student's.
    """
    x = distance / math.sqrt(variance + between)
    if x < 0.2:
        return 1.0
    plain = min(1.0, 2 * math.fsum((-1.0, 1.0)[k % 2] * math.exp(-2 * k * k * x * x) for k in range(1, 20)))
    degrees = Deviation(distance, variance, between, degrees).degrees_in_all
    normal = tail(2 * x, _KNOWN)
    return min(1.0, plain * tail(2 * x, degrees) / normal) if normal > 0 else tail(2 * x, degrees)


def _normal_score(z: float, skewness: float) -> float:
    """Of a standardised sum with a positive skewness, as of a gamma variable of the same.

    By Wilson & Hilferty 1931, whose error is small while a few events are expected. Where hardly any is, exactly: a
    single one would have a score that grows with its skewness.
    """
    if skewness < 1e-9:
        return z
    if skewness > FEW:
        shape = 4 / skewness**2
        chance = gamma.upper(shape, shape + z * math.sqrt(shape))
        if not 0 < chance < 1:
            return 0.0 if chance else math.inf
        return -_NORMAL.inv_cdf(chance)
    return 6 / skewness * (math.cbrt(1 + z * skewness / 2) - 1) + skewness / 6
