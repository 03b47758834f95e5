"""Do rows arrive at all, and as rows? No traffic, a stopped capture, late labels and malformed records, told apart."""

import statistics
from collections.abc import Sequence

from slipway.drift.calibration import Baseline
from slipway.drift.deviation import Deviation
from slipway.drift.findings import Cause, Detector, Finding, Settings, Window
from slipway.drift.naming import windows as words
from slipway.drift.profile import DELAYS, Count, Labelled, Profile, arrived

ENOUGH = 10.0  # records that had to be captured, or labels that had to come, for their absence to mean something
SHARE = 0.1  # of the feature detector's alpha, for malformed records
MATURE = 0.95  # of the labels have come
PATIENCE = 1.5  # times the delay by which labels are usually mature


def arrivals(history: Sequence[Window]) -> list[Finding]:
    """What an empty newest window means."""
    if not history or history[-1].profile.records:
        return []
    newest, requests = history[-1], history[-1].requests
    shares = [w.profile.records / w.requests for w in history[:-1] if w.requests and w.profile.records]
    expected = statistics.median(shares) if shares else 1.0
    if requests and requests * expected >= ENOUGH:
        says = f"{requests:,} requests, none of them captured: capture has stopped (is the instance's disk full?)"
        return [_certain(Cause.CAPTURE_STOPPED, float(requests), says, alarming=True)]
    if requests is None:
        says = "no captured records, and the number of requests is unknown: no traffic, or capture has stopped"
        return [_certain(Cause.NO_TRAFFIC, 0.0, says, alarming=False)]
    minutes = (newest.until - newest.since) / 60
    return [_certain(Cause.NO_TRAFFIC, 0.0, f"{requests:,} requests in {minutes:.0f} minutes", alarming=False)]


def records(baseline: Baseline, history: Sequence[Window], settings: Settings, alpha: float) -> list[Finding]:
    """Records that could not be read, and rows with more columns than the model has."""
    found = []
    for scale in (scale for scale in settings.scales if scale <= len(history)):
        block = [window.profile for window in history[-scale:]]
        if scale > 1 and not _lasts(block):
            continue
        read, bad = sum(p.records for p in block), sum(p.records - p.accepted for p in block)
        whole = baseline.whole
        says = f"{bad:,} of {read:,} records could not be read ({_reasons(block[-1].rejected)}); {words(scale)}"
        found += _share(bad, read, whole.records - whole.accepted, whole.records, scale, settings, alpha / 2, says)
        rows = sum(p.rows for p in block)
        wide = min(rows, sum(p.surplus for p in block))
        says = f"{sum(p.surplus for p in block):,} surplus columns in {rows:,} rows; {words(scale)}"
        found += _share(wide, rows, min(whole.surplus, whole.rows), whole.rows, scale, settings, alpha / 2, says)
    return sorted(found, key=lambda finding: finding.p_value or 0.0)[:1]


def late(history: Sequence[Window], usual: Labelled, now: float, settings: Settings) -> list[Finding]:
    """usual: delays as the baseline saw them. Nothing is due where no label has ever come."""
    with_rows = [window for window in history if window.profile.rows]
    labelled = [window for window in with_rows if arrived(window.profile.labelled)]
    due = settings.labels_due or _delay([usual, *(window.profile.labelled for window in labelled)])
    if due is None or not labelled:
        return []
    newest = max(window.until for window in labelled)
    waiting = [w for w in with_rows if w.until > newest and now - w.until > due * PATIENCE]
    if not waiting:
        return []
    before = [window for window in with_rows if window.until <= newest]
    share = sum(arrived(w.profile.labelled) for w in before) / sum(w.profile.rows for w in before)
    if share * sum(w.profile.rows for w in waiting) < ENOUGH:
        return []
    overdue = (now - waiting[0].until - due) / 3600
    says = (
        f"{len(waiting)} windows wait for labels that usually come within {due / 3600:.1f} h, the oldest "
        f"{overdue:.1f} h longer: concept and label drift are not being watched"
    )
    return [_certain(Cause.LABELS_LATE, overdue, says, alarming=True, detector=Detector.LABEL)]


def _delay(parts: Sequence[Labelled]) -> float | None:
    """The upper end of the bucket in which labels become mature; None if unknown."""
    counts = [sum(column) for column in zip(*(part.delays for part in parts), strict=True)]
    whole, seen = sum(counts), 0
    for count, end in zip(counts, DELAYS, strict=False):
        seen += count
        if whole and seen >= MATURE * whole:
            return end
    return None


def _share(
    k: int, n: int, k_then: int, n_then: int, scale: int, settings: Settings, alpha: float, says: str
) -> list[Finding]:
    """A share k of n against the baseline's: independent records, for want of a better measure."""
    if not (n and n_then):
        return []
    share = (k + k_then + 0.5) / (n + n_then + 1)
    row, value = share * (1 - share), k / n - k_then / n_then
    third = row * (1 - 2 * share) * (1 / n**2 - 1 / n_then**2)
    p_value, bar = Deviation(value, row * (1 / n + 1 / n_then), third=third).p_value, alpha / len(settings.scales)
    if not (value >= settings.rate_floor and p_value <= bar):
        return []
    floor = settings.rate_floor
    return [Finding(Detector.FEATURE, Cause.SCHEMA, "records", scale, value, floor, p_value, bar, True, says)]


def _lasts(block: Sequence[Profile]) -> bool:
    """Whether the newest window still has what the block had: a repaired fault does not alarm for long."""
    newest = block[-1]
    bad = sum(p.records - p.accepted for p in block) / max(1, sum(p.records for p in block))
    wide = sum(p.surplus for p in block) / max(1, sum(p.rows for p in block))
    still = (newest.records - newest.accepted) / max(1, newest.records), newest.surplus / max(1, newest.rows)
    return still[0] >= bad / 3 and still[1] >= wide / 3


def _reasons(rejected: Sequence[Count]) -> str:
    return ", ".join(count.reason for count in rejected[:3]) or "none in the newest window"


def _certain(
    cause: Cause, effect: float, says: str, *, alarming: bool, detector: Detector = Detector.FEATURE
) -> Finding:
    return Finding(detector, cause, "", 1, effect, 0.0, None, 0.0, alarming, says)
