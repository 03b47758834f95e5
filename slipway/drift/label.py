"""Labels: do those who label still mean the same?

A new policy, a new annotator or a changed form moves the label at a given score, and looks like a new concept to
whoever sees residuals alone. What tells them apart: where the residuals are (along the score, or along a feature),
whether labels of one source differ from the others', whether people agree as they used to, and, best, whether rows with
an undisputed label get another one today.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from slipway.drift import sources
from slipway.drift.calibration import Baseline
from slipway.drift.candidate import Candidate, strongest, test
from slipway.drift.concept import bin_name, finding
from slipway.drift.deviation import Deviation
from slipway.drift.findings import Anchors, Cause, Detector, Finding, Settings
from slipway.drift.labelled import Track
from slipway.drift.naming import windows
from slipway.drift.profile import Labelled, add_labelled
from slipway.drift.residuals import Look, Sight, sights
from slipway.stats import student

GIVEN_SCORE, SOURCES, AGREEMENT, ANCHORS = 0.5, 0.2, 0.15, 0.15  # of the detector's alpha
AGREEMENT_FLOOR = 0.05
ANCHOR_FLOOR = 0.05  # of the anchors, beyond those that change in any event
CLEARLY = 1.25  # times as loud along a feature as at a score, to be a concept: in doubt, retraining waits
ENOUGH_ANCHORS = 100  # for "they stayed" to mean something


def label(
    baseline: Baseline,
    history: Sequence[Labelled],
    anchors: Anchors | None,
    settings: Settings,
    alpha: float,
    scales: Sequence[int],
) -> list[Finding]:
    """history: of the windows with labels, oldest first."""
    each = alpha / len(settings.scales)
    found = _given_score(baseline, history, scales, settings, each * GIVEN_SCORE)
    if history:
        found += sources.differing(baseline, history, scales, settings, each * SOURCES)
        found += _agreement(baseline, history, scales, each * AGREEMENT)
    return found + _anchors(anchors, alpha * ANCHORS)


def told_apart(
    baseline: Baseline,
    history: Sequence[Labelled],
    concept: Sequence[Finding],
    label: Sequence[Finding],
    anchors: Anchors | None,
) -> tuple[list[Finding], tuple[str, ...]]:
    """Both detectors' findings, with residuals that alarm under both names left to one; and what limits that."""
    moved = [f for f in (*concept, *label) if f.alarming and f.cause in (Cause.CONCEPT, Cause.LABEL_POLICY)]
    if not moved:
        return [*concept, *label], ()
    limits: tuple[str, ...] = ()
    if any(f.alarming and f.cause in (Cause.ANCHORS, Cause.ANNOTATOR) for f in label):
        as_label = True
    elif anchors and anchors.rows >= ENOUGH_ANCHORS:
        as_label = False
    else:
        newest = history[-max(finding.scale for finding in moved) :]
        along, given = (_loudest(baseline, newest, looks) for looks in ((Look.TREND, Look.BIN), (Look.ALL, Look.SCORE)))
        as_label = along < CLEARLY * given
        limits = ("concept or label policy: the residuals' shape decided; label anchor rows again to be sure",)
    if as_label:
        own = [] if any(f.alarming for f in label) else [_as_label(f) for f in concept if f.alarming]
        return [*(_quiet(f, "taken for a change of the labels") for f in concept), *label, *own], limits
    own = [] if any(f.alarming for f in concept) else [_as_concept(f) for f in label if f.alarming]
    return [*concept, *own, *(_quiet(f, "taken for a change of the concept") for f in label)], limits


def _loudest(baseline: Baseline, history: Sequence[Labelled], looks: Sequence[Look]) -> float:
    """The largest deviation by the rows alone, less what the largest of so many is by chance: which look describes
    the change best."""
    seen = zip(sights(baseline.whole.labelled), baseline.residuals, strict=True)
    tracks = (Track.of(baseline, sight, spread, history) for sight, spread in seen if sight.look in looks)
    found = [d.loudness for d in (track.newest(len(history)) for track in tracks) if d]
    return math.sqrt(max(0.0, max(found) ** 2 - 2 * math.log(len(found)))) if found else 0.0


def _as_label(found: Finding) -> Finding:
    return replace(found, detector=Detector.LABEL, cause=Cause.LABEL_POLICY)


def _as_concept(found: Finding) -> Finding:
    return replace(found, detector=Detector.CONCEPT, cause=Cause.CONCEPT)


def _quiet(found: Finding, why: str) -> Finding:
    return replace(found, alarming=False, says=f"{found.says}; {why}") if found.alarming else found


def _given_score(
    baseline: Baseline, history: Sequence[Labelled], scales: Sequence[int], settings: Settings, alpha: float
) -> list[Finding]:
    seen = sights(baseline.whole.labelled)
    looks = [
        (s, spread) for s, spread in zip(seen, baseline.residuals, strict=True) if s.look in (Look.ALL, Look.SCORE)
    ]
    found: list[tuple[Sight, Candidate]] = []
    for sight, spread in looks:
        track = Track.of(baseline, sight, spread, history)
        bar = alpha / 2 if sight.look is Look.ALL else alpha / 2 / (len(looks) - 1)
        found += [(sight, c) for c in test(track.newest, scales, settings.residual_floor, bar)]
    if not found:
        return []
    sight, c = max(found, key=lambda pair: pair[1].strength)
    subject = "all scores" if sight.look is Look.ALL else f"score {bin_name(baseline.reference.scores, sight.bin)}"
    new = sorted(sources.names(history[-c.scale :]) - sources.names([baseline.whole.labelled]))
    says = (
        f"labels are {'more' if c.value > 0 else 'less'} often positive at {subject}, by {c.effect:.2f} standard "
        f"deviations{', new since the baseline: labels of ' + ', '.join(new[:3]) if new else ''}; {windows(c.scale)}"
    )
    return [finding(Detector.LABEL, Cause.LABEL_POLICY, subject, c, says)]


def _agreement(baseline: Baseline, history: Sequence[Labelled], scales: Sequence[int], alpha: float) -> list[Finding]:
    """How often a further label of a row contradicts the first."""
    usual = baseline.whole.labelled

    def newest(scale: int, less: int) -> Deviation | None:
        now = history[-scale]
        for labelled in history[len(history) - scale + 1 : len(history) - less]:
            now = add_labelled(now, labelled)
        return _more(now.disagreed, now.agreed + now.disagreed, usual.disagreed, usual.agreed + usual.disagreed)

    c = strongest(test(newest, scales, AGREEMENT_FLOOR, alpha))
    if c is None or not c.alarming or c.value < 0:
        return []
    says = f"labels of the same row contradict each other {c.effect:.1%} more often than before; {windows(c.scale)}"
    return [finding(Detector.LABEL, Cause.ANNOTATOR, "agreement", c, says)]


def _more(k: int, n: int, k_then: int, n_then: int) -> Deviation | None:
    if not (n and n_then):
        return None
    share = (k + k_then + 0.5) / (n + n_then + 1)
    row = share * (1 - share)
    third = row * (1 - 2 * share) * (1 / n**2 - 1 / n_then**2)
    return Deviation(k / n - k_then / n_then, row * (1 / n + 1 / n_then), third=third)


def _anchors(anchors: Anchors | None, bar: float) -> list[Finding]:
    if anchors is None or not anchors.rows:
        return []
    share = anchors.changed / anchors.rows
    p_value = _binomial_tail(anchors.changed, anchors.rows, anchors.usual)
    effect, alarming = share - anchors.usual, p_value <= bar and share - anchors.usual >= ANCHOR_FLOOR
    says = (
        f"{anchors.changed} of {anchors.rows} anchor rows got another label ({share:.1%}; {anchors.usual:.1%} do in "
        f"any event): {'the labels moved' if alarming else 'the labels stayed'}"
    )
    return [Finding(Detector.LABEL, Cause.ANCHORS, "anchors", 1, effect, ANCHOR_FLOOR, p_value, bar, alarming, says)]


def _binomial_tail(k: int, n: int, p: float) -> float:
    """P(K >= k)."""
    return 1.0 if k == 0 else student.incomplete_beta(p, float(k), float(n - k + 1))
