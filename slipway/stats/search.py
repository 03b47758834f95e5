"""Roots of monotone conditions, by halving, and of monotone functions, by false position."""

from collections.abc import Callable

_HALVINGS = 60
_NEAR = 1e-10  # of the value: nearer than any of our numbers need to be


def border(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """The first value refused on the way from `inside`, which is kept, to `outside`, which counts as refused."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if kept(middle):
            inside = middle
        else:
            outside = middle
        if abs(outside - inside) <= _NEAR * abs(outside + inside):
            break
    return outside


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """Where f, of opposite signs at the two ends, is zero; the Illinois rule of Dowell & Jarratt 1971."""
    at_low, at_high, found = f(low), f(high), high
    for _ in range(_HALVINGS):
        before, found = found, (low * at_high - high * at_low) / (at_high - at_low)
        at_found = f(found)
        if at_found == 0 or abs(found - before) <= _NEAR * abs(found):
            break
        if at_found * at_high < 0:
            low, at_low = high, at_high
        else:
            at_low /= 2
        high, at_high = found, at_found
    return found
