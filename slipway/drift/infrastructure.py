"""Infrastructure: is it still the model that was registered, on the platform it was registered on?

Golden rows, scored at registration, are scored again by the variant that serves. Scores may differ by a tolerance, not
by bytes: another instance type or library rounds otherwise. A fingerprint (image digest, package versions, instance
type) says what changed; by itself, with equal scores, it alarms nobody.
"""

import math
from collections.abc import Iterator, Sequence

from slipway.drift.findings import Cause, Detector, Finding, Probe, Settings, Window

STALE = 86400.0  # seconds after which a probe says nothing about now


def infrastructure(probes: Sequence[Probe], threshold: float, settings: Settings) -> list[Finding]:
    """The newest probe of each variant counts. threshold: of a positive decision."""
    newest = {probe.variant: probe for probe in sorted(probes, key=lambda probe: probe.at)}
    return [finding for name in sorted(newest) for finding in _probe(newest[name], threshold, settings)]


def sound(history: Sequence[Window], probes: Sequence[Probe], settings: Settings) -> list[Window]:
    """Without the windows of a fault that is over: their scores tell nothing about the world."""
    over = [span for name in {probe.variant for probe in probes} for span in _over(probes, name, settings)]
    return [w for w in history if not any(w.since < until and since < w.until for since, until in over)]


def _over(probes: Sequence[Probe], variant: str, settings: Settings) -> Iterator[tuple[float, float]]:
    """Spans from the last right replay, or else the first wrong one, to the next right one."""
    since, wrong = None, False
    for probe in sorted((probe for probe in probes if probe.variant == variant), key=lambda probe: probe.at):
        if _wrong(probe, settings):
            since, wrong = (probe.at if since is None else since), True
            continue
        if wrong and since is not None:
            yield since, probe.at
        since, wrong = probe.at, False


def _wrong(probe: Probe, settings: Settings) -> bool:
    """Whether a golden row got another score, or none."""
    return any(
        b is None or not abs(a - b) <= settings.tolerance for a, b in zip(probe.expected, probe.got, strict=True)
    )


def limits(probes: Sequence[Probe], now: float) -> tuple[str, ...]:
    if not probes:
        return ("infrastructure: no golden rows were replayed",)
    hours = (now - max(probe.at for probe in probes)) / 3600
    return (f"infrastructure: the last replay was {hours:.0f} h ago",) if hours * 3600 > STALE else ()


def _probe(probe: Probe, threshold: float, settings: Settings) -> list[Finding]:
    changed = _changes(probe)
    answered = [(a, b) for a, b in zip(probe.expected, probe.got, strict=True) if b is not None]
    distances = [math.inf if math.isnan(b) else abs(a - b) for a, b in answered]
    furthest = max(distances, default=0.0)
    flipped = sum((a >= threshold) != (b >= threshold) for a, b in answered)
    unanswered = len(probe.got) - len(answered)
    found = []
    if probe.expected:
        says = (
            f"{probe.variant}: {sum(d > settings.tolerance for d in distances)} of {len(probe.expected)} golden rows "
            f"score otherwise than at registration, by up to {furthest:.3g}; {flipped} decisions flipped"
            + (f"; {unanswered} rows got no score" if unanswered else "")
            + (f"; changed: {changed}" if changed else "")
        )
        wrong = _wrong(probe, settings)
        found.append(_finding(Cause.REPLAY, probe.variant, furthest, settings.tolerance, wrong, says))
    if changed:
        says = f"{probe.variant}: changed since registration: {changed}"
        says += "; golden rows score as before" if answered and furthest <= settings.tolerance else ""
        alarming = not answered
        found.append(_finding(Cause.FINGERPRINT, probe.variant, float(changed.count(",") + 1), 1.0, alarming, says))
    return found


def _changes(probe: Probe) -> str:
    found = dict(probe.found)
    pairs = [(name, was, found.get(name, "missing")) for name, was in probe.recorded]
    return ", ".join(f"{name} {was} -> {now}" for name, was, now in pairs if was != now)


def _finding(cause: Cause, variant: str, effect: float, floor: float, alarming: bool, says: str) -> Finding:
    return Finding(Detector.INFRASTRUCTURE, cause, variant, 1, effect, floor, None, 0.0, alarming, says)
