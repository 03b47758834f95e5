"""How many labels have come for a window of traffic, by the profiles that monitoring keeps of it."""

from collections.abc import Iterator

from lambdas.aws import bucket, counted
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.retraining.guard import Labels


def count(endpoint: str, since: float, until: float) -> Labels | None:
    """Of the baseline's requests in [since, until), unix seconds, and of those that came later and have been labelled
    since; None where nobody has counted them.

    A drift is told of by one window, which alone may never hold enough positive labels.
    """
    labelled = dict(_profiles(endpoint, names.LABELLED, since))
    last = max([until, *(at + 1 for at in labelled)])
    requests = [profile.rows for at, profile in _profiles(endpoint, names.PROFILES, since) if at < last]
    if not requests:
        return None
    return Labels(
        requests=sum(requests),
        labelled=sum(profile.labelled.n for profile in labelled.values()),
        positives=sum(profile.labelled.positives for profile in labelled.values()),
    )


def _profiles(endpoint: str, kind: str, since: float) -> Iterator[tuple[float, Profile]]:
    """Each with the start of its window."""
    prefix = names.monitored(endpoint, kind, names.BASELINE)
    for key in bucket.below(prefix, after=f"{prefix}/{counted.when(since)}"):
        if body := bucket.get(key):
            yield counted.at(key), codec.loads(Profile, body.decode())
