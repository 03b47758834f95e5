"""Roots of monotone conditions, by halving."""

from collections.abc import Callable

_HALVINGS = 60


def border(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """The first value refused on the way from `inside`, which is kept, to `outside`, which counts as refused."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if kept(middle):
            inside = middle
        else:
            outside = middle
    return outside
