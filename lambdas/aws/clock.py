"""The only place where Slipway asks for the time."""

import time
from datetime import datetime


def now() -> float:
    """Unix seconds."""
    return time.time()


def moment(text: str) -> float:
    """Unix seconds of a moment in ISO 8601, as Step Functions and EventBridge write it."""
    return datetime.fromisoformat(text).timestamp()
