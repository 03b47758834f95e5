"""Whether a challenger may be registered for release: better than the champion on fresh data, with evidence, and worse
nowhere that matters.

One look at a holdout whose size was fixed beforehand, so fixed-horizon intervals hold. Rows next to each other in time
are not independent; standard errors come from blocks of time, and quantiles from Student's t over the blocks.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from slipway.comparison import Comparison, Holdout, Measure, Model
from slipway.gate_outcome import Check, Outcome
from slipway.stats import student

UNSEEABLE = 30.0  # errors to a gain: no reasonable holdout would show it
# Of a class that has no row among n, up to 3 in n may come (95 %; Hanley & Lippman-Hand 1983, JAMA 249). A model that
# reckons with so many loses 3/n a row, and a surer one is not thereby better.
UNSEEN = 3.0


@dataclass(frozen=True)
class Settings:
    """Margins say how much worse is tolerated. Where an interval is too wide to tell, the margin is not held against
    the challenger, and `Outcome.limits` says so.

    alpha: chance of passing a challenger whose log-loss is not lower. least_gain: of log-loss, and cost_margin,
    slice_margin and missing_margin: as parts of the champion's value. ranking_margin: of PR-AUC and ROC-AUC, and
    calibration_margin: in their own units. latency and size: ratios, and floors that nobody minds.
    """

    alpha: float = 0.05
    least_rows: int = 200
    least_positives: int = 30
    least_gain: float = 0.0
    ranking_margin: float = 0.01
    calibration_margin: float = 0.02
    cost_margin: float = 0.05
    slice_margin: float = 0.05
    least_slice_rows: int = 50
    missing_margin: float = 0.1
    latency_ratio: float = 1.5
    latency_floor_ms: float = 1.0
    size_ratio: float = 4.0
    size_floor_mb: float = 10.0

    def __post_init__(self) -> None:
        if not 1e-6 <= self.alpha <= 0.2:
            raise ValueError(f"alpha: from 0.000001 to 0.2, got {self.alpha}")
        for name in ("least_rows", "least_positives", "least_slice_rows"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name}: at least 2, got {getattr(self, name)}")
        margins = ("least_gain", "ranking_margin", "calibration_margin", "cost_margin", "slice_margin")
        for name in (*margins, "missing_margin", "latency_floor_ms", "size_floor_mb"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: 0 or more, got {getattr(self, name)}")
        for name in ("latency_ratio", "size_ratio"):
            if not 1 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: at least 1, got {getattr(self, name)}")


def decide(
    seen: Comparison, settings: Settings | None = None, *, drift_since: float | None = None, earlier: int = 0
) -> Outcome:
    """Pass or refuse.

    drift_since: when the drift began that this retraining answers, unix seconds; an older holdout tells nothing about
    it. earlier: challengers judged before on this holdout; each further one gets half of the alpha left.
    """
    if earlier < 0:
        raise ValueError(f"earlier: 0 or more, got {earlier}")
    rules = settings or Settings()
    alpha = rules.alpha / 2 ** (earlier + 1)
    checks = [
        *_holdout(seen, rules, drift_since),
        *_contract(seen),
        _better(seen, rules, alpha),
        *_not_worse(seen, rules, alpha),
        *_slices(seen, rules, alpha),
        *_footprint(seen.challenger, seen.champion, rules),
    ]
    reasons = tuple(check.says for check in checks if not check.passed)
    return Outcome(not reasons, reasons, tuple(checks), tuple(_limits(seen, rules, checks)))


def _holdout(seen: Comparison, rules: Settings, drift_since: float | None) -> Iterator[Check]:
    held = seen.holdout
    few = min(held.positives, held.rows - held.positives)
    enough = held.rows >= rules.least_rows and few >= rules.least_positives
    needed = f"at least {rules.least_rows} rows with {rules.least_positives} of each class are needed"
    yield Check("holdout", enough, f"{held.rows} rows, {held.positives} positive; {needed}")
    for role, model in (("challenger", seen.challenger), ("champion", seen.champion)):
        if model.window:
            fresh = model.window[1] < held.since
            says = f"the {role}'s training data end {_span(held.since - model.window[1])} the holdout begins"
            yield Check("fresh", fresh, says if fresh else f"{says}: it has seen rows it is measured on")
    if drift_since is not None:
        says = f"the holdout begins {_span(drift_since - held.since)} the drift began"
        newer = held.since >= drift_since
        yield Check("after drift", newer, says if newer else f"{says}: take a holdout of rows after it")


def _span(seconds: float) -> str:
    return f"{abs(seconds) / 3600:.1f} h {'before' if seconds > 0 else 'after'}"


def _contract(seen: Comparison) -> Iterator[Check]:
    """What callers rely on: the release changes the model, not the requests."""
    new, old = seen.challenger, seen.champion
    same = new.features == old.features
    says = f"{len(new.features)} features, the champion's in its order"
    if not same:
        more, less = _lacking(new.features, old.features), _lacking(old.features, new.features)
        says = f"requests would no longer fit: new features {more}, gone {less}, or another order"
    yield Check("features", same, says)
    refused = _lacking(old.missing_allowed, new.missing_allowed)
    says = f"it would refuse requests that lack {', '.join(refused)}; train with --missing-allowed"
    yield Check("missing", not refused, says if refused else "what may be missing today may still be missing")
    same = new.xgboost_version == old.xgboost_version
    says = f"XGBoost {new.xgboost_version}, the champion's {old.xgboost_version}"
    yield Check("version", same, says if same else f"{says}: another version can change scores; train with the same")
    says = f"{new.invalid} of {seen.holdout.rows} scores are no probability"
    yield Check("scores", new.invalid == 0, says)


def _lacking(wanted: Sequence[str], offered: Sequence[str]) -> list[str]:
    return [name for name in wanted if name not in offered]


def _better(seen: Comparison, rules: Settings, alpha: float) -> Check:
    """The one thing that must be shown: a lower log-loss, by more than chance explains."""
    measure = seen.log_loss
    low, high = measure.interval(alpha, seen.holdout.blocks)
    bar = 0.0 - rules.least_gain * measure.champion
    passed = high < bar
    says = f"log-loss {measure.says(low, high)}"
    if not passed:
        says += f"; all of the interval must lie below {bar:.4f}: {_how_far(measure, low, bar, alpha, seen)}"
    return _measured("better", passed, says, measure, low, high, bar)


def _how_far(measure: Measure, low: float, bar: float, alpha: float, seen: Comparison) -> str:
    if low > bar:
        return "it is worse, with evidence" if low > 0 else "it is not that much better, with evidence"
    beyond = bar - measure.difference
    if beyond <= 0 or not measure.error or measure.error / beyond > UNSEEABLE:
        return "nothing is shown either way"
    quantile = student.quantile(1 - alpha, max(1, seen.holdout.blocks - 1))
    rows = seen.holdout.rows * (quantile * measure.error / beyond) ** 2
    return f"a gain of this size would show with about {_round_up(rows)} rows"


def _round_up(rows: float) -> str:
    size = 10 ** max(0, math.floor(math.log10(max(rows, 1))) - 1)
    return f"{math.ceil(rows / size) * size:,}"


def _not_worse(seen: Comparison, rules: Settings, alpha: float) -> Iterator[Check]:
    losses = [
        ("calibration", seen.calibration, rules.calibration_margin, 1),
        ("cost", seen.cost, rules.cost_margin * seen.cost.champion, 1),
        ("PR-AUC", seen.pr_auc, rules.ranking_margin, -1),
        ("ROC-AUC", seen.auc, rules.ranking_margin, -1),
    ]
    if seen.missing:
        losses.append(("incomplete", seen.missing, rules.missing_margin * seen.missing.champion, 1))
    for name, measure, margin, sign in losses:
        yield _harm(name, name, measure, margin, alpha, seen.holdout.blocks, sign)


def _slices(seen: Comparison, rules: Settings, alpha: float) -> Iterator[Check]:
    """One check a slice; the alpha is shared, so that many slices don't refuse an innocent challenger."""
    judged = [part for part in seen.slices if part.rows >= rules.least_slice_rows]
    for part in judged:
        margin = rules.slice_margin * part.log_loss.champion
        if part.positives in (0, part.rows):
            margin = max(margin, UNSEEN / part.rows)
        label = f"{part.feature} {part.value} ({part.rows} rows, {part.positives} positive): log-loss"
        yield _harm("slice", label, part.log_loss, margin, alpha / len(judged), seen.holdout.blocks, 1)


def _harm(name: str, label: str, measure: Measure, margin: float, alpha: float, blocks: int, sign: int) -> Check:
    """Fails where the estimate is worse by more than the margin and chance alone does not explain that it is worse."""
    low, high = measure.interval(alpha, blocks)
    worse = measure.difference * sign > margin and (low if sign > 0 else -high) > 0
    says = f"{label} {measure.says(low, high)}; tolerated {sign * margin:+.4f}"
    return _measured(name, not worse, says, measure, low, high, sign * margin)


def _measured(name: str, passed: bool, says: str, measure: Measure, low: float, high: float, margin: float) -> Check:
    check = Check(name, passed, says, measure.challenger, measure.champion, margin=margin)
    return replace(check, low=low, high=high) if math.isfinite(high - low) else check


def _footprint(new: Model, old: Model, rules: Settings) -> Iterator[Check]:
    most = max(old.latency_ms * rules.latency_ratio, old.latency_ms + rules.latency_floor_ms)
    says = f"{new.latency_ms:.3f} ms a row, the champion {old.latency_ms:.3f}; tolerated {most:.3f}"
    yield Check("latency", new.latency_ms <= most, says, new.latency_ms, old.latency_ms)
    megabytes = new.bytes / 1e6, old.bytes / 1e6
    most = max(megabytes[1] * rules.size_ratio, rules.size_floor_mb)
    says = f"{megabytes[0]:.2f} MB, the champion {megabytes[1]:.2f}; tolerated {most:.2f}"
    yield Check("size", megabytes[0] <= most, says, *megabytes)


def _limits(seen: Comparison, rules: Settings, checks: list[Check]) -> Iterator[str]:
    for role, model in (("challenger", seen.challenger), ("champion", seen.champion)):
        if model.window is None:
            yield f"the {role}'s training window is not in unix seconds: that it saw no holdout row is not checked"
    small = [f"{part.feature} {part.value}" for part in seen.slices if part.rows < rules.least_slice_rows]
    if small:
        shown = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        yield f"{len(small)} slices with fewer than {rules.least_slice_rows} rows were not judged: {shown}"
    blind = sum(check.name == "slice" and check.passed and _wide(check) for check in checks)
    if blind:
        yield f"in {blind} slices a loss of the tolerated size could not have been told from chance"
    if seen.missing is None:
        yield "no feature may be missing: requests that lack one are refused, so robustness to it was not measured"
    least = _by_chance(seen.holdout, rules.alpha)
    if seen.auc.challenger <= least:
        yield (
            f"ROC-AUC {seen.auc.challenger:.4f}, by chance up to {least:.4f}: that the challenger learnt more than how "
            "many are positive is not shown"
        )


def _by_chance(holdout: Holdout, alpha: float) -> float:
    """The ROC-AUC that scores which know nothing of the labels exceed with probability alpha.

    By the rank sum's variance: Mann & Whitney 1947, Ann. Math. Stat. 18(1).
    """
    positives, negatives = max(1, holdout.positives), max(1, holdout.rows - holdout.positives)
    error = math.sqrt((holdout.rows + 1) / (12 * positives * negatives))
    return 0.5 + error * NormalDist().inv_cdf(1 - alpha)


def _wide(check: Check) -> bool:
    if check.low is None or check.high is None or check.margin is None:
        return True
    return (check.high - check.low) / 2 > check.margin
