"""What the baseline did before a release, and what the guardrails learn from it."""

import math
import random
from dataclasses import replace

import pytest

from slipway import evidence as ev
from slipway.guardrails.blocks import PRIOR_SD, Level
from slipway.guardrails.errors import CLIP, CLIP_SINGLE, Errors, dispersion
from slipway.minutes import Arm, Minute
from slipway.phases import Phase
from slipway.plan import GUARDRAILS
from slipway.release import Release
from tests.slipway.test_judge import at_canary, run

DAY = 1440


def minutes(arms: list[Arm]) -> list[Minute]:
    return [Minute(60.0 * i, arm, Arm()) for i, arm in enumerate(arms, -len(arms))]


def failing(rng: random.Random, *, cluster: int = 1, swing: float = 0.0) -> list[Minute]:
    """A day with about 5 errors a minute, each repeated by its client `cluster` times; a swing over the day."""
    arms = []
    for i in range(DAY):
        chance = 0.05 / cluster * (1 + swing * math.sin(2 * math.pi * i / DAY))
        arms.append(Arm(100, cluster * sum(rng.random() < chance for _ in range(100))))
    return minutes([replace(arm, errors=min(arm.errors, arm.requests)) for arm in arms])


def drifting(rng: random.Random, sd: float, count: int = DAY, keep: float = 0.92) -> list[float]:
    """Medians in microseconds whose logarithm is an AR(1)."""
    level, medians = rng.gauss(0, sd), []
    for _ in range(count):
        level = keep * level + rng.gauss(0, sd * math.sqrt(1 - keep * keep))
        medians.append(100_000 * math.exp(level))
    return medians


def test_errors_that_come_one_by_one_are_told_from_those_in_clusters() -> None:
    rng = random.Random(1)
    assert dispersion(failing(rng)) == pytest.approx(1, abs=0.15)
    assert dispersion(failing(rng, swing=0.9)) == pytest.approx(1, abs=0.15), "slow changes are no clusters"
    assert dispersion(failing(rng, cluster=3)) == pytest.approx(3, abs=0.4)


def test_a_minute_counts_for_more_only_where_the_past_has_shown_single_errors() -> None:
    rng = random.Random(2)
    clips = [Errors.start(GUARDRAILS[0], past).whole.clip for past in ([], failing(rng)[:20], failing(rng, cluster=3))]
    assert clips == [CLIP] * 3
    assert Errors.start(GUARDRAILS[0], failing(rng)).whole.clip == CLIP_SINGLE


def test_the_baselines_variation_is_learned_from_its_past() -> None:
    rng = random.Random(3)
    calm, wild = (Level.of(minutes([Arm(600, p50=p50) for p50 in drifting(rng, sd)])).variance for sd in (0.004, 0.08))
    assert math.sqrt(calm) < PRIOR_SD / 2
    assert math.sqrt(wild) == pytest.approx(0.08, rel=0.4)
    assert Level.of([]).variance == pytest.approx(PRIOR_SD**2)


def test_an_endpoint_that_ceases_to_be_calm_is_taken_for_what_it_is_now() -> None:
    level = Level.of(minutes([Arm(600, p50=100_000.0)] * DAY))
    for i in range(6):
        level = level.update(math.log(100_000) + 0.1 * (-1) ** i)
    assert math.sqrt(level.variance) > 0.05


def test_minutes_without_a_median_teach_nothing() -> None:
    quiet = minutes([Arm(600, p50=100_000.0), Arm(), Arm(600, p50=None)] * 5)
    assert Level.of(quiet) == Level()


@pytest.mark.parametrize("seed", range(3))
def test_a_small_slow_down_is_found_soon_on_a_calm_endpoint_and_not_called_on_a_drifting_one(
    release: Release, seed: int
) -> None:
    def looked(sd: float, slower: float) -> Release:
        rng = random.Random(f"{seed} {sd}")
        past = minutes([Arm(5700, p50=p50, p90=2 * p50) for p50 in drifting(rng, sd)])
        known = replace(at_canary(release), paused=True, evidence=ev.begin(release.plan, past))
        medians = zip(drifting(rng, sd, 45), drifting(rng, sd, 45), strict=True)
        arms = [(Arm(5700, 28, b, 2 * b), Arm(300, 1, slower * c, 2 * slower * c)) for b, c in medians]
        return run(known, [Minute(60.0 * i, *pair) for i, pair in enumerate(arms)]).release

    found = looked(0.004, 1.1)
    assert found.phase is Phase.ROLLING_BACK and "median" in found.reason
    assert looked(0.07, 1.0).phase is Phase.CANARY
