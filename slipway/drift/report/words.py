"""Numbers and times as text."""

import math

DAY, HOUR = 86400, 3600


def moment(at: float) -> str:
    """Unix seconds as a date and time of the Gregorian calendar, UTC.

    The core may not import `datetime`, which reads clocks: the date is counted in years that begin in March, so that a
    leap day is a year's last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    """
    day, second = divmod(int(at), DAY)
    era, of_era = divmod(day + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * of_year + 2) // 153
    month = (from_march + 2) % 12 + 1
    date = f"{year + 400 * era + (month <= 2):04}-{month:02}-{of_year - (153 * from_march + 2) // 5 + 1:02}"
    return f"{date} {second // HOUR:02}:{second % HOUR // 60:02}"


def lasting(seconds: float) -> str:
    for unit, name in ((DAY, "d"), (HOUR, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def number(value: float) -> str:
    """Four digits, and an exponent only where it is shorter."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def percent(share: float) -> str:
    """With a tenth, and never 0 or 100 for what is neither."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def part(n: int, of: int) -> str:
    return f"{n:,} of {of:,} ({percent(n / of)})" if of else f"{n:,} of 0"


def effect(value: float) -> str:
    if not math.isfinite(value):
        return "unbounded"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


def chance(p_value: float) -> str:
    if p_value < 1e-12:
        return "< 1e-12"
    if p_value >= 0.001:
        return f"{p_value:.3f}"
    digits, exponent = f"{p_value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"
