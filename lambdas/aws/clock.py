"""The only place where Slipway asks for the time."""

import time


def now() -> float:
    """Unix seconds."""
    return time.time()
