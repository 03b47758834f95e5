"""Whose turn it is to count an endpoint's windows: a backlog that takes longer than a window would else be counted by
every look that begins meanwhile."""

from lambdas.aws import bucket, executions
from slipway import names


def take(endpoint: str, execution: str) -> bool:
    """Whether this execution (an ARN) counts; else an earlier one is still at it.

    Two that ask at the same moment may both get it: their windows are then written twice, and alike.
    """
    counts = _counts(endpoint)
    if counts != execution and not executions.ended(counts):
        return False
    bucket.put(_key(endpoint), execution.encode())
    return True


def leave(endpoint: str, execution: str) -> None:
    """Lets the next look count, while this execution waits for something."""
    if _counts(endpoint) == execution:
        bucket.put(_key(endpoint), b"")


def _counts(endpoint: str) -> str:
    return (bucket.get(_key(endpoint)) or b"").decode()


def _key(endpoint: str) -> str:
    return names.monitored(endpoint, names.COUNTS, "execution")
