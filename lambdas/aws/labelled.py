"""How many labels have come for a window of traffic, by the profiles that monitoring keeps of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from lambdas.aws import bucket
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.retraining.guard import Labels


def count(endpoint: str, since: float, until: float) -> Labels | None:
    """Of the baseline's requests in [since, until), unix seconds; None where nobody has counted them."""
    counted = list(_profiles(endpoint, "windows", since, until))
    labelled = [profile.labelled for profile in _profiles(endpoint, "labelled", since, until)]
    if not counted:
        return None
    return Labels(
        requests=sum(profile.rows for profile in counted),
        labelled=sum(part.n for part in labelled),
        positives=sum(part.positives for part in labelled),
    )


def _profiles(endpoint: str, kind: str, since: float, until: float) -> Iterator[Profile]:
    prefix = f"{names.MONITORING}/{endpoint}/{kind}/{names.BASELINE}"
    first, last = (f"{prefix}/{datetime.fromtimestamp(at, UTC):%Y/%m/%d/%H/%M}" for at in (since, until))
    for key in bucket.below(prefix, after=first):
        if key >= last:
            return
        body = bucket.get(key)
        if body:
            yield codec.loads(Profile, body.decode())
