import random
from collections import Counter
from pathlib import Path

import pytest

from sandbox.dataplane.metrics import Meter
from sandbox.dataplane.routing import Counters, Routing, Target
from sandbox.dataplane.spec import Model
from sandbox.dataplane.supervisor import Container


def target(name: str) -> Target:
    container = Container(name, Model(name, "file:///none"), Path(), Path())
    return Target("fraud", name, container, Counters(), Meter("fraud", name))


def shares(routing: Routing, draws: int = 20_000) -> dict[str, float]:
    rng = random.Random(3)
    chosen = Counter(t.variant if (t := routing.choose(rng)) else "nobody" for _ in range(draws))
    return {name: count / draws for name, count in chosen.items()}


def test_a_variant_gets_its_weight_over_the_sum() -> None:
    routing = Routing([("production", 19.0, target("baseline")), ("production", 1.0, target("candidate"))], None)
    assert shares(routing)["candidate"] == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0)])
def test_weight_zero_gets_nothing(weights: tuple[float, float]) -> None:
    names = ("baseline", "candidate")
    routing = Routing([("production", w, target(n)) for n, w in zip(names, weights, strict=True)], None)
    assert shares(routing) == {names[weights.index(1.0)]: 1.0}


def test_nobody_answers_when_every_weight_is_zero() -> None:
    assert shares(Routing([("production", 0.0, target("baseline"))], None), 10) == {"nobody": 1.0}


def test_a_shadow_is_never_chosen_and_sees_its_share() -> None:
    routing = Routing([("production", 2.0, target("baseline")), ("shadow", 1.0, target("candidate"))], None)
    assert shares(routing, 100) == {"baseline": 1.0}
    assert routing.shadow and routing.shadow.variant == "candidate"
    assert routing.shadow_share == 0.5
    assert list(routing.by_name) == [b"baseline"]
