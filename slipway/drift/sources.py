"""Sources of labels, annotators and policies: do those of one say the same as the others, against what scores say?"""

from collections.abc import Sequence
from dataclasses import replace

from slipway.drift.calibration import Baseline
from slipway.drift.candidate import strongest, test
from slipway.drift.concept import finding
from slipway.drift.deviation import Deviation
from slipway.drift.findings import Cause, Detector, Finding, Settings
from slipway.drift.labelled import NONE, deviation
from slipway.drift.naming import windows
from slipway.drift.profile import Labelled, Residual

MISSED = 10  # labels that a source would have given meanwhile, if it still gave any


def names(history: Sequence[Labelled]) -> set[str]:
    return {source.name for labelled in history for source in labelled.sources}


def differing(
    baseline: Baseline, history: Sequence[Labelled], scales: Sequence[int], settings: Settings, alpha: float
) -> list[Finding]:
    """Labels of one source against the others' of the same windows, beyond what they differed by in the baseline."""
    block = history[-max(scales, default=1) :]
    known = sorted(names(block))
    if len(known) < 2:
        return []
    found = []
    for name in (name for name in known if _compared(block, name)):

        def newest(scale: int, less: int, name: str = name) -> Deviation | None:
            return _apart(baseline, history[-scale : len(history) - less], name)

        c = strongest(test(newest, scales, settings.residual_floor, alpha / len(known)))
        if c and c.alarming:
            more = "more" if c.value > 0 else "less"
            says = (
                f"labels of {name} are {more} often positive than the others', against what the scores say, by "
                f"{c.effect:.2f} standard deviations; {windows(c.scale)}"
            )
            found.append(finding(Detector.LABEL, Cause.ANNOTATOR, name, c, says))
    return found


def _compared(history: Sequence[Labelled], name: str) -> bool:
    """Whether both the source and the others still give labels; else there is nothing to ask of either."""
    sides = [_mine([labelled], name) for labelled in history]
    given = ([sum(residual.n for residual in side) for side in of] for of in zip(*sides, strict=True))
    return not any(map(_gone, given))


def _gone(given: Sequence[int]) -> bool:
    """given: labels by window."""
    silent = next((i for i, n in enumerate(reversed(given)) if n), len(given))
    return silent * sum(given) >= MISSED * (len(given) - silent)


def _apart(baseline: Baseline, history: Sequence[Labelled], name: str) -> Deviation | None:
    now, usual = _mine(history, name), _mine([baseline.whole.labelled], name)
    spread, windows = baseline.residuals[0], baseline.labelled_windows
    mine, others, both = (deviation(side, NONE, spread, 0) for side in (*now, [*now[0], *now[1]]))
    if not (mine and others and both):
        return None
    # Where all labels have moved, those of each source vary more than the scores say.
    found, before = mine.apart(others, both.value), [deviation(side, NONE, spread, 0) for side in usual]
    if before[0] and before[1]:
        return replace(
            found,
            value=found.value - before[0].value + before[1].value,
            sampling=found.sampling + before[0].sampling + before[1].sampling,
            between=found.between + 2 * spread.over(windows),
        )
    return found


def _mine(history: Sequence[Labelled], name: str) -> tuple[list[Residual], list[Residual]]:
    """By window: the residuals of the source, and of the others of its kind; a label has one of each kind."""
    found = [source for labelled in history for source in labelled.sources if _kind(source.name) == _kind(name)]
    mine = [source.residual for source in found if source.name == name]
    return mine, [source.residual for source in found if source.name != name]


def _kind(name: str) -> str:
    kind, colon, _ = name.partition(":")
    return kind if colon else ""
