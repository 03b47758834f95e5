"""The planner against a small model of SageMaker that does one thing at a time and takes its time."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import evidence, plan, traffic
from slipway import release as rel
from slipway.frame import Frame
from slipway.phases import Phase
from slipway.release import Release
from slipway.traffic import Call, Observed, Running, Wanted


@dataclass
class Endpoint:
    """What the calls do to an endpoint. A change is `Updating` for one observation."""

    observed: Observed
    configs: dict[str, dict] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    targets: dict[str, tuple[int, int]] = field(default_factory=dict)
    pending: Observed | None = None
    refuses_update: bool = False
    trace: list[Observed] = field(default_factory=list)

    def observe(self) -> Observed:
        if self.pending:
            self.observed, self.pending = self.pending, None
            return replace(self.observed, status="Updating")
        existing = {"models": frozenset(self.models), "configs": frozenset(self.configs)}
        return replace(self.observed, targets=dict(self.targets), **existing)

    def execute(self, call: Call) -> None:
        getattr(self, call.method)(call.parameters)

    def create_model(self, p) -> None:
        assert p["ModelName"] not in self.models
        self.models.add(p["ModelName"])

    def create_endpoint_config(self, p) -> None:
        assert p["EndpointConfigName"] not in self.configs
        shadows = p.get("ShadowProductionVariants", [])
        assert {v["ModelName"] for v in [*p["ProductionVariants"], *shadows]} <= self.models
        assert not shadows or (len(p["ProductionVariants"]), len(shadows)) == (1, 1)
        self.configs[p["EndpointConfigName"]] = p

    def update_endpoint(self, p) -> None:
        config = self.configs[p["EndpointConfigName"]]
        assert set(self.targets) <= {v["VariantName"] for v in config["ProductionVariants"]}
        if not self.refuses_update:
            variants = tuple(map(_running, config["ProductionVariants"]))
            shadows = tuple(map(_running, config.get("ShadowProductionVariants", [])))
            self._become(Observed("InService", p["EndpointConfigName"], variants, shadows))

    def update_endpoint_weights_and_capacities(self, p) -> None:
        variants = {v.name: v for v in self.observed.variants}
        for d in p["DesiredWeightsAndCapacities"]:
            v = variants[d["VariantName"]]
            weight = d.get("DesiredWeight", v.weight)
            count = d.get("DesiredInstanceCount", v.instances)
            variants[d["VariantName"]] = Running(v.name, weight, count, weight, count)
        self._become(replace(self.observed, variants=tuple(variants.values())))

    def register_scalable_target(self, p) -> None:
        role = p["ResourceId"].rsplit("/", 1)[-1]
        assert role in {v.name for v in self.observed.variants}
        self.targets[role] = (p["MinCapacity"], p["MaxCapacity"])

    def put_scaling_policy(self, p) -> None:
        assert p["ResourceId"].rsplit("/", 1)[-1] in self.targets

    def deregister_scalable_target(self, p) -> None:
        del self.targets[p["ResourceId"].rsplit("/", 1)[-1]]

    def _become(self, observed: Observed) -> None:
        self.pending = observed
        self.trace.append(observed)


def _running(v: dict) -> Running:
    weight, count = v["InitialVariantWeight"], v["InitialInstanceCount"]
    return Running(v["VariantName"], weight, count, weight, count)


def endpoint(frame: Frame, instances: int = 2) -> Endpoint:
    running = Running("baseline", 1.0, instances, 1.0, instances)
    first = Endpoint(Observed("InService", "fraud-first", (running,)), models={"fraud-first"})
    first.targets["baseline"] = (frame.initial_instance_count, frame.max_instance_count)
    return first


def settle(place: Endpoint, release: Release, frame: Frame, most: int = 40) -> Wanted:
    """Plans and executes until in place, as the workflow does."""
    attempts = 0
    for _ in range(most):
        observed = place.observe()
        wanted = rel.wanted(release, frame, observed)
        work = traffic.plan(wanted, observed, attempts)
        attempts += work.asks_for_config
        if work.in_place:
            return wanted
        for call in work.calls:
            place.execute(call)
    raise AssertionError("never in place")


def walk(release: Release, to: int) -> list[Release]:
    steps = [release]
    for _ in range(to):
        steps.append(rel.advance(steps[-1], 0.0, "test"))
    return steps[1:]


def test_a_release_walks_its_plan_and_ends_with_the_candidate_as_the_only_variant(
    release: Release, frame: Frame
) -> None:
    place = endpoint(frame)
    for step in walk(release, 7):
        settle(place, step, frame)
        observed = place.observe()
        assert observed.weight("candidate") == pytest.approx(step.weight if step.phase is not Phase.SETTLING else 0)
    assert [v.name for v in observed.variants] == ["baseline"]
    assert place.configs[observed.config]["ProductionVariants"][0]["ModelName"] == release.candidate
    assert place.targets == {"baseline": (frame.initial_instance_count, frame.max_instance_count)}


@given(instances=st.integers(1, 8), weights=st.lists(st.floats(0.5, 100), min_size=1, max_size=5, unique=True))
def test_a_variant_never_gets_more_traffic_than_its_instances_carry(instances: int, weights: list[float]) -> None:
    frame = Frame("fraud", "i:3.2-0", "r", "ml.m5.large", 1, 8, 1000, "s3://b/c", 100, "k")
    place = endpoint(frame, instances)
    for weight in sorted(weights):
        shown = rel._both(_release(instances), frame, weight)
        for _ in range(20):
            observed = place.observe()
            work = traffic.plan(shown, observed)
            if work.in_place:
                break
            for call in work.calls:
                place.execute(call)
        assert work.in_place
    for seen in place.trace:
        for variant in seen.variants:
            assert variant.instances >= seen.weight(variant.name) / 100 * instances - 1e-9


@pytest.mark.parametrize("at", range(1, 7))
def test_from_every_step_a_rollback_moves_weight_first_and_ends_on_the_baseline_alone(
    at: int, release: Release, frame: Frame
) -> None:
    place = endpoint(frame)
    steps = walk(release, at)
    for step in steps:
        settle(place, step, frame)
    place.trace.clear()
    back = rel.roll_back(steps[-1], 1.0, "test")
    settle(place, back, frame)
    settle(place, replace(back, zero_at=2.0), frame)
    observed = place.observe()
    assert [v.name for v in observed.variants] == ["baseline"] and not observed.shadows
    assert place.configs[observed.config]["ProductionVariants"][0]["ModelName"] == release.baseline
    if steps[-1].weight:
        assert place.trace[0].weight("candidate") == 0


def test_a_rollback_before_anything_changed_touches_nothing(release: Release, frame: Frame) -> None:
    place = endpoint(frame)
    settle(place, rel.roll_back(release, 1.0, "test"), frame)
    assert place.trace == []


def test_planning_again_when_all_is_in_place_calls_nothing(release: Release, frame: Frame) -> None:
    place = endpoint(frame)
    step = walk(release, 2)[-1]
    settle(place, step, frame)
    observed = place.observe()
    assert traffic.plan(rel.wanted(step, frame, observed), observed) == traffic.Work()


@pytest.mark.parametrize("status", sorted(traffic.BUSY))
def test_a_busy_endpoint_is_left_alone(status: str, release: Release, frame: Frame) -> None:
    observed = replace(endpoint(frame).observe(), status=status)
    work = traffic.plan(rel.wanted(walk(release, 1)[-1], frame, observed), observed)
    assert work.calls == () and not work.in_place


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed", "OutOfService", "Deleting"])
def test_an_endpoint_beyond_repair_is_an_error_that_names_its_runbook(
    status: str, release: Release, frame: Frame
) -> None:
    observed = replace(endpoint(frame).observe(), status=status)
    with pytest.raises(traffic.EndpointUnusable, match=f"fraud is {status}.*runbooks/endpoint-unusable"):
        traffic.plan(rel.wanted(walk(release, 1)[-1], frame, observed), observed)


def test_autoscaling_may_not_shrink_the_baseline_while_it_may_have_to_take_over(release: Release, frame: Frame) -> None:
    place = endpoint(frame, instances=4)
    step = walk(replace(release, instances=4), 2)[-1]
    settle(place, step, frame)
    assert place.targets["baseline"][0] == 4


def _release(instances: int) -> Release:
    chosen = plan.BUILTIN["canary"]
    begun = evidence.begin(chosen)
    first = "fraud-first"
    return Release("fraud.7.3fa2c1", "fraud", "p", "c", first, first, instances, chosen, 0, 0, evidence=begun)


@pytest.mark.parametrize(("types", "freed"), [("ml.m5.large", []), ("ml.c5.large", ["baseline"])])
def test_a_variant_is_freed_from_autoscaling_before_its_instance_type_changes(
    frame: Frame, types: str, freed: list[str]
) -> None:
    wanted = Wanted(replace(frame, instance_type="ml.m5.large"), "new", (traffic.Variant("baseline", "m", 100.0, 1),))
    observed = Observed("InService", "old", models=frozenset({"m"}), targets={"baseline": (1, 4)})
    calls = traffic.plan(wanted, replace(observed, types={"baseline": types})).calls
    assert calls[-1].method == "update_endpoint"
    gone = [c.parameters["ResourceId"] for c in calls if c.method == "deregister_scalable_target"]
    assert gone == [f"endpoint/{frame.endpoint}/variant/{role}" for role in freed]
