"""Evaluation: do the rows that models are measured on still stand for the traffic?

A holdout grows old without anything breaking: its scores are right, and about another population. A classifier asked to
tell its rows from recent ones, the number of rows it is still worth, levels it lacks and its age say so.
"""

from slipway.drift.findings import Cause, Detector, Finding, Holdout, Settings

AUC_FLOOR = 0.6  # of the classifier; less is a shift that weighting makes up for
WORTH = 0.3  # of its rows
NEW_LEVEL = 0.02  # share of recent rows with a level the holdout lacks
DAYS = 86400.0


def evaluation(holdout: Holdout | None, settings: Settings, alpha: float) -> list[Finding]:
    if holdout is None:
        return []
    found = []
    if holdout.test:
        test = holdout.test
        says = (
            f"a classifier tells {test.recent:,} recent rows from {test.older:,} of the holdout with an AUC of "
            f"{test.auc:.2f} (can't tell: 0.50)"
        )
        alarming = test.p_value <= alpha and test.auc >= AUC_FLOOR
        found.append(_finding("holdout", test.auc, AUC_FLOOR, says, alarming, test.p_value, alpha))
    if holdout.effective is not None and holdout.rows:
        share = holdout.effective / holdout.rows
        says = f"for today's traffic the holdout's {holdout.rows:,} rows are worth {holdout.effective:,.0f}"
        # Without a shift that the classifier shows, uneven weights are noise of the density ratio.
        alarming = share < WORTH and bool(found and found[0].alarming)
        found.append(_finding("effective rows", 1 - share, 1 - WORTH, says, alarming))
    for feature, share in holdout.new_levels:
        says = f"{share:.1%} of recent rows have a level of {feature} that the holdout lacks"
        found.append(_finding(feature, share, NEW_LEVEL, says, share >= NEW_LEVEL))
    says = f"the holdout's newest row is {holdout.age / DAYS:.0f} days old, {settings.holdout_age / DAYS:.0f} allowed"
    found.append(_finding("age", holdout.age, settings.holdout_age, says, holdout.age > settings.holdout_age))
    return found


def _finding(
    subject: str,
    effect: float,
    floor: float,
    says: str,
    alarming: bool,
    p_value: float | None = None,
    bar: float = 0.0,
) -> Finding:
    return Finding(Detector.EVAL, Cause.STALE_HOLDOUT, subject, 1, effect, floor, p_value, bar, alarming, says)
