import pytest

from slipway import plan, planning
from slipway.phases import Phase


def test_the_default_plan_is_shadow_then_5_25_50_100_then_bake() -> None:
    steps = [(step.phase, step.weight) for step in plan.parse("canary").steps]
    canaries = [(Phase.CANARY, weight) for weight in (5, 25, 50, 100)]
    assert steps == [(Phase.SHADOW, 0), *canaries, (Phase.BAKE, 100)]


def test_a_plan_takes_what_it_does_not_say_from_the_built_in_it_names() -> None:
    parsed = plan.parse({"name": "canary", "soak_seconds": 120})
    assert parsed.soak_seconds == 120
    assert parsed.steps == plan.BUILTIN["canary"].steps


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("canry", "plan: 'canry' is not built in; use one of canary"),
        (7, "plan: expected a built-in's name or an object"),
        ({"name": "canary", "stps": []}, "plan.stps: unknown key"),
        ({"name": "mine"}, "plan.steps: missing"),
        ({"name": "mine", "steps": []}, "plan.steps: a plan has at least one"),
        ({"name": "mine", "steps": [{"phase": "CANARY", "weight": 120}]}, r"plan.steps\[0\].weight"),
        ({"name": "mine", "steps": [{"phase": "CANARY", "weight": 50}]}, "the last one is at weight 100"),
        ({"name": "mine", "steps": [{"phase": "PROMOTED"}]}, r"plan.steps\[0\].phase: PROMOTED is not a step"),
        ({"name": "mine", "steps": [{"phase": "SHADOW", "weight": 5}, {"phase": "BAKE", "weight": 100}]}, "weight"),
        ({"name": "mine", "steps": [{"phase": "BAKE", "weight": 100}, {"phase": "SHADOW"}]}, "shadow, then canaries"),
        ({"name": "canary", "alpha": 0.9}, "plan.alpha: from"),
        (
            {"name": "canary", "guardrails": [{"metric": "speed"}]},
            r"plan.guardrails\[0\].metric: 'speed' is not one of",
        ),
        ({"name": "canary", "guardrails": [{"metric": "errors", "tolerance": -1}]}, r"tolerance: for errors from"),
        ({"name": "canary", "soak_seconds": 1}, "plan.soak_seconds: from 10"),
    ],
)
def test_a_wrong_plan_is_refused_by_the_name_of_its_key(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan.parse(value)


def test_no_step_promotes_unseen() -> None:
    with pytest.raises(ValueError, match="requests: at least 1"):
        plan.Step(Phase.CANARY, 5, requests=0)


def test_the_outlook_says_that_labels_are_waited_for_unless_the_plan_waives_them() -> None:
    said = planning.table(plan.BUILTIN["canary"], 3.0, 0.005)
    assert "waits for labels" in said and '{"metric": "quality", "required": false}' in said
    waived = plan.parse({"name": "canary", "guardrails": [{"metric": "quality", "required": False}]})
    assert "waits for labels" not in planning.table(waived, 3.0, 0.005)


def test_a_plan_that_says_only_what_differs_watches_all_metrics_within_its_budget() -> None:
    parsed = plan.parse({"name": "canary", "guardrails": [{"metric": "quality", "tolerance": 0.01}]})
    assert {rule.metric for rule in parsed.guardrails} == set(plan.Metric)
    assert sum(rule.alpha_share for rule in parsed.guardrails) == pytest.approx(1)
