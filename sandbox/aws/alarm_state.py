"""The state of an alarm as a pure function of its data points: M of N, and four ways to treat missing ones.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from dataclasses import dataclass

ALARM = "ALARM"
OK = "OK"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
KEEP = "KEEP"  # stay in the current state

_FILL = {"breaching": True, "notBreaching": False}


@dataclass(frozen=True)
class Rule:
    """`datapoints_to_alarm` of the newest `periods` data points must breach (M of N)."""

    periods: int
    datapoints_to_alarm: int
    missing: str = "missing"  # or breaching, notBreaching, ignore


def decide(rule: Rule, breaching: list[bool | None]) -> str:
    """The state for the evaluation range `breaching`, newest first; None stands for a missing data point.

    With enough real points in the range the missing ones don't count at all; otherwise as few as possible are
    filled in.
    """
    real = [verdict for verdict in breaching if verdict is not None]
    if len(real) >= rule.periods:
        return _state(sum(real[: rule.periods]), rule)
    fills = rule.periods - len(real)
    if rule.missing in _FILL:
        return _state(sum(real) + (fills if _FILL[rule.missing] else 0), rule)
    if not real:
        return INSUFFICIENT_DATA if rule.missing == "missing" else KEEP
    worst, best = _state(sum(real) + fills, rule), _state(sum(real), rule)
    if worst == best:
        return best
    if rule.missing == "ignore":
        return KEEP
    return ALARM if _premature(rule, breaching) else OK


def _state(count: int, rule: Rule) -> str:
    return ALARM if count >= rule.datapoints_to_alarm else OK


def _premature(rule: Rule, breaching: list[bool | None]) -> bool:
    """AWS's rule for "missing": alarm if everything since a breaching point that is old enough breached or is missing.

    "Old enough" is `datapoints_to_alarm` periods.
    """
    oldest = max((age for age, verdict in enumerate(breaching, 1) if verdict), default=0)
    return oldest >= rule.datapoints_to_alarm and all(verdict is not False for verdict in breaching[:oldest])
