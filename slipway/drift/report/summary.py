"""The verdict first: what to do, why, and which of the five detectors says so."""

from slipway.drift.findings import Cause, Detector, Drift, Finding, Remedy
from slipway.drift.report.markup import Html, aside, element, join, listing, section, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.words import count, lasting, moment

MOST_REASONS = 6

_DO = {
    Remedy.ROLL_BACK: "Roll back: the variant no longer answers as it did when its model was registered.",
    Remedy.REPAIR_DATA: "Repair the data: what arrives is faulty or missing.",
    Remedy.RELABEL: "Label again: the labels no longer mean what they did.",
    Remedy.RETRAIN: "Retrain: the traffic, or what it says about the label, has changed.",
    Remedy.REFRESH_HOLDOUT: "Refresh the holdout: it no longer stands for the traffic.",
}
_LOOKS_AT = {
    Detector.FEATURE: "each feature and the scores, and how they arrive",
    Detector.CONCEPT: "labels against scores, along each feature",
    Detector.LABEL: "labels at each score, and who gave them",
    Detector.INFRASTRUCTURE: "recorded rows replayed, image, packages, instance",
    Detector.EVAL: "the holdout against recent rows, and its age",
}
_SILENT = {
    Detector.FEATURE: "no rows to look at",
    Detector.CONCEPT: "no labels to look at",
    Detector.LABEL: "no labels to look at",
    Detector.INFRASTRUCTURE: "nothing was replayed",
    Detector.EVAL: "no finding on the holdout was given",
}
_NO_ROWS = (Cause.NO_TRAFFIC, Cause.CAPTURE_STOPPED, Cause.OTHER_REFERENCE)


def summary(seen: Seen) -> Html:
    drift = seen.drift
    alarming = [finding for finding in drift.findings if finding.alarming]
    told = listing(drift.reasons, MOST_REASONS, "more reasons in the verdict itself") if drift.reasons else ""
    blocked = (
        "Retraining is blocked until this is settled." if drift.blocks_retraining else "Retraining is not blocked."
    )
    kind = "calm" if not alarming else "alarm" if drift.remedy is not Remedy.NOTHING else "note"
    banner = element(
        "div",
        element("p", element("strong", verdict(drift)), class_="verdict"),
        element("p", element("b", drift.remedy.value), " · ", blocked),
        told,
        class_=f"banner {kind}",
    )
    return section("verdict", "Verdict", banner, aside(_windows(seen)), _detectors(drift))


def verdict(drift: Drift) -> str:
    if drift.remedy is not Remedy.NOTHING:
        return _DO[drift.remedy]
    if any(finding.cause in _NO_ROWS for finding in drift.findings):
        return "Nothing can be said: the newest window has no rows to compare."
    if any(finding.alarming for finding in drift.findings):
        return "Nothing to do: what moved matters neither to the model nor to its scores."
    return "Nothing to do: no drift was found." if drift.findings else "Nothing can be said: there was nothing to see."


def state(finding: Finding) -> Html:
    """In words and with a sign, beside the colour."""
    if finding.alarming:
        return element("b", "● alarm", class_="state loud")
    return element("span", "○ quiet", class_="state faint")


def _windows(seen: Seen) -> str:
    drift, baseline = seen.drift, seen.baseline
    compared = "" if baseline.cycle.name == "NONE" else f", compared by {baseline.cycle.value}"
    usual = f"Baseline: {baseline.whole.rows:,} rows in {count(baseline.windows, 'window')}{compared}."
    foreign = f" Left out, as of another model: {count(seen.foreign, 'window')}." if seen.foreign else ""
    if not seen.windows:
        return f"No window to look at.{foreign} {usual}"
    span = f"{moment(drift.since)} to {moment(drift.until)} UTC ({lasting(drift.until - drift.since)})"
    rows = seen.windows[-1].profile.rows
    before = count(len(seen.windows) - 1, "window")
    return f"Newest window: {span}, {rows:,} rows; {before} before it.{foreign} {usual}"


def _detectors(drift: Drift) -> Html:
    rows: list[tuple[object, ...]] = []
    for detector in Detector:
        own = [finding for finding in drift.findings if finding.detector is detector]
        loud = sum(finding.alarming for finding in own)
        said = join(state(own[0]), f" · {loud:,} of {len(own):,} findings") if own else f"— {_SILENT[detector]}"
        rows.append((join(detector.value, element("small", _LOOKS_AT[detector])), said))
    return table("The five detectors", ("detector", "state"), rows)
