"""Anchors: rows whose label was never in doubt, labelled again. Do labels mean what they meant?"""

from collections.abc import Mapping

from monitoring.labels import History
from slipway.drift.findings import Anchors


def compare(known: Mapping[str, History], again: Mapping[str, History], usual: float) -> Anchors:
    """Of the rows in both, how many got another label (`labels.read`). usual: share that changes in any event.

    Raises ValueError where no row was labelled again.
    """
    both = known.keys() & again.keys()
    if not both:
        raise ValueError("none of the known rows was labelled again: eventId must be the same in both")
    changed = sum(known[id].current.values != again[id].current.values for id in both)
    return Anchors(len(both), changed, usual)
