"""What can happen to the rows that users send, and to those who label them: the physics of drift.

A change takes a table (features, `Class`, `annotator`, `policyVersion`) and returns another; nothing here knows what
anybody will make of it.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

TARGET, ANNOTATOR, POLICY = "Class", "annotator", "policyVersion"
OFFICES = ("north", "south")  # both label under policy 1
SEED = 7

Change = Callable[[pd.DataFrame], pd.DataFrame]


def staffed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they come to two offices that label them alike."""
    office = np.random.default_rng(SEED).integers(0, len(OFFICES), len(rows))
    return rows.assign(**{ANNOTATOR: np.array(OFFICES)[office], POLICY: "1"})


def shifted(feature: str, deviations: float) -> Change:
    """Adds so many standard deviations to a feature of every row: other users have come."""
    return lambda rows: rows.assign(**{feature: rows[feature] + deviations * rows[feature].std()})


def multiplied(feature: str, factor: float) -> Change:
    """A client that sends another unit."""
    return lambda rows: rows.assign(**{feature: rows[feature] * factor})


def turned(feature: str, above: float, share: float) -> Change:
    """So large a share of the rows with a large value of the feature become positive: the world has changed."""
    return lambda rows: _positive(rows, (rows[feature] > above).to_numpy(), share)


def new_policy(office: str, share: float) -> Change:
    """One office labels by policy 2, which calls a share of its rows positive that policy 1 did not."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        own = (rows[ANNOTATOR] == office).to_numpy()
        return _positive(rows, own, share).assign(**{POLICY: np.where(own, "2", rows[POLICY])})

    return change


def _positive(rows: pd.DataFrame, which: np.ndarray, share: float) -> pd.DataFrame:
    chosen = which & (np.random.default_rng(SEED).random(len(rows)) < share)
    return rows.assign(**{TARGET: rows[TARGET].mask(chosen, 1)})
