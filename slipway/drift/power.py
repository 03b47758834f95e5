"""What could have been seen: silence means little where little could be heard."""

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

from slipway.drift import naming
from slipway.drift.between import LEAST_WINDOWS
from slipway.drift.calibration import Baseline, columns
from slipway.drift.contrasts import SHARES, Look, contrasts
from slipway.drift.deviation import Spread
from slipway.drift.feature import GROSS, GROSS_TIMES
from slipway.drift.findings import Settings, Window
from slipway.drift.profile import arrived
from slipway.drift.seasons import Cycle
from slipway.stats import student

_NORMAL = NormalDist()
POWER = 0.8
REFUSED = 0.01  # of a window's labels: more are worth a word
PER_SIGMA = math.sqrt(3 / math.pi)  # by which the mean of standardised normal scores' ranks moves
MODEL_MONITOR = 0.1  # its default threshold, on the distance of two distribution functions less ...
ROBUST = 1.8  # ... this times sqrt(1/n + 1/m): Deequ's Distance, which Model Monitor runs


def power(baseline: Baseline, history: Sequence[Window], settings: Settings, alpha: float) -> tuple[str, ...]:
    """Shifts of a normal feature's mean, in standard deviations, that alarm with a probability of 80 %."""
    rows = [window.profile.rows for window in history if window.profile.rows]
    if not rows:
        return ()
    n = sum(rows) / len(rows)
    spread = _typical(baseline)
    m = baseline.whole.rows
    part = alpha / len(baseline.features) / len(settings.scales) * SHARES[Look.LOCATION]
    # What dwarfs all that the baseline's windows did alarms too.
    gross = _shift(max(GROSS, GROSS_TIMES * statistics.median(baseline.farthest)))
    found = []
    least = baseline.least(history[-1], settings.scales)
    for scale in sorted({least, max([least, *(s for s in settings.scales if s <= len(rows))])}):
        between = spread.over(scale * baseline.worth(history[-1])) + spread.over(baseline.windows)
        error = math.sqrt(1 / (n * scale) + 1 / m + between)
        share = between / error**2
        bar = student.quantile(1 - part / 2, max(1.0, spread.degrees / share**2 if share > 1e-2 else 1e6))
        shift = max((bar + _NORMAL.inv_cdf(POWER)) * error / PER_SIGMA, _shift(settings.floor))
        shift = min(shift, gross)
        found.append(f">= {shift:.2f} sigma in {scale} window{'s' if scale > 1 else ''}")
    blind = _shift(MODEL_MONITOR + ROBUST * math.sqrt(1 / n + 1 / m))
    return (
        f"at {n:,.0f} rows a window a typical feature's shift of {', '.join(found)} alarms in {POWER:.0%} of the cases",
        f"Model Monitor's threshold of {MODEL_MONITOR} does not see less than {blind:.2f} sigma",
    )


def limits(baseline: Baseline, history: Sequence[Window], settings: Settings) -> tuple[str, ...]:
    """Why less could be seen, or compared, than one may think."""
    found = []
    if not baseline.calibrated:
        found.append(
            f"uncalibrated: the baseline has {baseline.windows} windows of its own and needs {LEAST_WINDOWS}; until "
            f"then only large shifts alarm"
        )
    unknown = [naming.subject(baseline, i) for i in range(len(baseline.features)) if not baseline.holds(i)]
    if unknown:
        found.append(f"not in the baseline, so not compared: {', '.join(unknown[:3])}{', ...' if unknown[3:] else ''}")
    refused = _refused(history)
    if refused:
        found.append(refused)
    if not any(window.profile.labelled.n for window in history):
        if not refused:
            found.append("no label matured yet: concept and label drift can't be seen")
    elif baseline.labelled_windows < LEAST_WINDOWS:
        found.append(
            f"uncalibrated labels: {baseline.labelled_windows} of the baseline's windows have labels, {LEAST_WINDOWS} "
            f"are needed; only large changes alarm"
        )
    least = baseline.least(history[-1], settings.scales) if history else 1
    if least > 1 and baseline.typical:
        found.append(
            f"lengths: the baseline's windows last {baseline.typical / 3600:.1f} h, these {_hours(history):.1f} h; how "
            f"much shorter ones vary is unknown, so distributions are compared over {least} windows together or more "
            f"(`python -m monitoring baseline --windows` cuts shorter ones)"
        )
    return (*found, *_seasonal(baseline, history))


def _hours(history: Sequence[Window]) -> float:
    return (history[-1].until - history[-1].since) / 3600


def _refused(history: Sequence[Window]) -> str:
    """What is wrong with the newest labels, if it is more than a stray one."""
    came = [window.profile.labelled for window in history if arrived(window.profile.labelled)]
    if not came:
        return ""
    rejected, total = came[-1].rejected, arrived(came[-1])
    if sum(count.n for count in rejected) < REFUSED * total:
        return ""
    reasons = ", ".join(f"{count.n:,} {count.reason}" for count in rejected)
    return f"labels not counted, of {total:,} in the newest window that has any: {reasons}"


def _seasonal(baseline: Baseline, history: Sequence[Window]) -> tuple[str, ...]:
    if not history:
        return ()
    length = history[-1].until - history[-1].since
    if baseline.span is None:
        return ("seasons: the baseline's rows have no times, so hours and weekdays are not compared like with like",)
    if baseline.length is not None and baseline.length > 4 * length and length <= 86400:
        return (
            f"seasons: the baseline's windows last {baseline.length / 3600:.1f} h, these {length / 3600:.1f} h: how "
            f"hours differ within its windows is unknown",
        )
    if baseline.cycle is Cycle.NONE and baseline.span < 3 * 86400:
        return (
            f"seasons: the baseline spans {baseline.span / 3600:.0f} h and needs three days, so hours of the day are "
            f"not compared like with like",
        )
    if baseline.cycle in (Cycle.NONE, Cycle.DAY) and baseline.span < 21 * 86400:
        days = baseline.span / 86400
        return (f"seasons: the baseline spans {days:.0f} days, so weekdays are not compared like with like",)
    return ()


def _typical(baseline: Baseline) -> Spread:
    """The middle feature's spread of its location, or of its levels."""
    found = []
    for i, spreads in enumerate(baseline.spreads):
        looks = contrasts(baseline.features[i], columns(baseline.whole)[i])
        found += [s for c, s in zip(looks, spreads, strict=True) if c.look in (Look.LOCATION, Look.LEVEL)]
    found.sort(key=lambda spread: spread.between)
    return found[len(found) // 2] if found else Spread()


def _shift(distance: float) -> float:
    """The shift, in standard deviations, that moves a normal distribution function by `distance`."""
    return 2 * _NORMAL.inv_cdf(min(0.999999, (1 + distance) / 2))
