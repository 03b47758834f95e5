import json
import re

import pytest

from infra.checks import ConfigError
from infra.config import Endpoint, Thresholds, parse
from slipway.retraining.tuning import Range, Tuning

FRAUD = {"name": "fraud"}
MISTUNED: list[tuple[dict[str, object], str]] = [
    ({"jobs": 1}, "jobs: expected a whole number from 2 to 100"),
    ({"jobs": 2, "parallel": 3}, "parallel: expected at most tuning.jobs (2)"),
    ({"jobs": 100, "parallel": 1}, "jobs: expected tuning of at most 5 days, not 5.2: fewer jobs, more parallel"),
    ({"strategy": "grid"}, "strategy: expected one of random, bayesian"),
    ({"range": {}}, "range: unknown key; did you mean ranges?"),
    ({"ranges": {}}, 'ranges: expected an object such as {"max_depth": [3, 8]}'),
    ({"ranges": {"max_dept": [3, 8]}}, "ranges.max_dept: unknown key; did you mean max_depth?"),
    ({"ranges": {"max_depth": [3.0, 8]}}, "ranges.max_depth: expected [least, most]: two whole numbers from 1 to 16"),
    ({"ranges": {"eta": [0.3, 0.02]}}, "ranges.eta: expected [least, most]: two numbers from 0.001 to 1, the second"),
    ({"ranges": {"eta": [0, 0.3]}}, "ranges.eta: expected"),
    ({"ranges": {"eta": 0.1}}, "ranges.eta: expected"),
]


def only(**settings: object) -> Endpoint:
    return parse({"endpoints": [{**FRAUD, **settings}]}).endpoints[0]


def test_a_name_is_all_an_endpoint_needs() -> None:
    config = parse({"endpoints": [FRAUD]})
    assert config.endpoints == (Endpoint("fraud"),)
    assert config.retain_data is True


def test_the_command_line_gives_text_and_cdk_json_gives_values() -> None:
    given = parse({"endpoints": json.dumps([{**FRAUD, "max_instance_count": 9}]), "retain_data": "false"})
    assert given == parse({"endpoints": [{**FRAUD, "max_instance_count": 9}], "retain_data": False})


def test_the_cdks_own_context_keys_pass() -> None:
    assert parse({"endpoints": [FRAUD], "aws:cdk:enable-path-metadata": True, "@aws-cdk/core:x": 1}).endpoints


def test_thresholds_keep_their_defaults_one_by_one() -> None:
    assert only(alarms={"latency_p90_ms": 80}).alarms == Thresholds(error_rate=0.10, latency_p90_ms=80.0)


def test_a_plan_is_kept_as_the_text_that_the_frame_records() -> None:
    assert only(plan="blue-green").plan == '"blue-green"'
    assert json.loads(only(plan={"name": "canary", "soak_seconds": 30}).plan) == {"name": "canary", "soak_seconds": 30}


@pytest.mark.parametrize(
    ("context", "named"),
    [
        ({}, "endpoints: missing"),
        ({"endpoints": []}, "endpoints: empty"),
        ({"endpoints": "fraud"}, "endpoints: not JSON"),
        ({"endpoints": {"fraud": {}}}, "endpoints: expected a list"),
        ({"endpoints": ["fraud"]}, "endpoints[0]: expected an object"),
        ({"endpoint": [FRAUD]}, "endpoint: unknown key; did you mean endpoints?"),
        ({"endpoints": [FRAUD], "retain_dta": True}, "retain_dta: unknown key; did you mean retain_data?"),
        ({"endpoints": [FRAUD], "retain_data": 1}, "retain_data: expected true or false"),
        ({"endpoints": [{}]}, "endpoints[0].name: missing"),
        ({"endpoints": [{"name": "Fraud"}]}, "endpoints[0].name"),
        ({"endpoints": [{"name": "f" * 41}]}, "endpoints[0].name: expected at most 40 characters"),
        (
            {"endpoints": [{**FRAUD, "retraining": {"aproval": "manual"}}]},
            "endpoints[0].retraining.aproval: unknown key",
        ),
        ({"endpoints": [{**FRAUD, "retraining": {"schedule": "daily"}}]}, "endpoints[0].retraining.schedule: expected"),
        ({"endpoints": [{**FRAUD, "retraining": {"mlflow": "ours"}}]}, "endpoints[0].retraining.mlflow: expected null"),
        *(
            ({"endpoints": [{**FRAUD, "retraining": {"tuning": given}}]}, f"endpoints[0].retraining.tuning.{named}")
            for given, named in MISTUNED
        ),
        ({"endpoints": [FRAUD, FRAUD]}, "endpoints[1].name: 'fraud' clashes with 'fraud'"),
        ({"endpoints": [{"name": "fraud-eu"}, FRAUD]}, "endpoints[1].name: 'fraud' clashes with 'fraud-eu'"),
    ],
)
def test_a_wrong_context_is_refused_by_the_name_of_its_key(context: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(named)}"):
        parse(context)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instance_type", "m5.large"),
        ("instance_type", "ml.m7g.large"),
        ("initial_instance_count", 0),
        ("initial_instance_count", True),
        ("initial_instance_count", "1"),
        ("max_instance_count", 1.5),
        ("image", "latest"),
        ("image", "docker.io/xgboost"),
        ("first_model", "models/model.tar.gz"),
        ("first_model", "s3://a-bucket/elsewhere/model.tar.gz"),
        ("plan", "yolo"),
        ("plan", {"name": "canary", "soak_seconds": 0}),
        ("alarm_email", "ops"),
        ("capture_percentage", 101),
        ("alarms", {"error_rate": 10}),
        ("alarms", {"error_rate": 0}),
        ("alarms", {"latency": 10}),
        ("target_invocations_per_instance", -1),
        ("keep_old_config_days", None),
    ],
)
def test_a_wrong_setting_is_refused_by_its_path(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^endpoints\[0\]\.{key}"):
        only(**{key: value})


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as refused:
        only(instance_typ="ml.m5.large")
    assert str(refused.value).startswith(
        "endpoints[0].instance_typ: unknown key; did you mean instance_type? Known keys:"
    )
    assert "capture_percentage" in str(refused.value)


def test_the_most_instances_are_at_least_the_initial_ones() -> None:
    with pytest.raises(ConfigError, match=r"^endpoints\[0\]\.max_instance_count: expected at least .* \(6\), got 4"):
        only(initial_instance_count=6)


@pytest.mark.parametrize("image", ["1.7-1", "3.0-5"])
def test_retraining_needs_an_image_whose_python_runs_its_jobs(image: str) -> None:
    with pytest.raises(ConfigError, match=rf"^endpoints\[0\]\.retraining\.image: expected .* {image} .*got null"):
        only(image=image)
    own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    assert only(image=image, retraining={"image": own}).retraining.image == own
    assert only(image=image, retraining={"enabled": False}).image == image
    assert only(image="3.10-1").image == "3.10-1"


@pytest.mark.parametrize(("section", "key"), [("retraining", "instance_type"), ("drift", "job_instance_type")])
def test_a_jobs_managed_image_needs_an_x86_instance(section: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^endpoints\[0\]\.{section}\.{key}: expected an x86 instance type"):
        only(**{section: {key: "ml.m7g.xlarge"}})
    assert getattr(getattr(only(**{section: {key: "ml.m7i.xlarge"}}), section), key) == "ml.m7i.xlarge"


def test_an_arm64_instance_is_fine_for_an_image_of_ones_own() -> None:
    own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    assert only(instance_type="ml.m7g.large", image=own).image == own


def test_tuning_is_off_unless_asked_for_and_then_has_usual_ranges() -> None:
    assert only().retraining.tuning is None
    assert only(retraining={"tuning": {}}).retraining.tuning == Tuning()
    given = {"jobs": 6, "ranges": {"eta": [0.05, 0.2], "max_depth": [3, 6]}}
    tuning = only(retraining={"tuning": given}).retraining.tuning
    assert tuning == Tuning(jobs=6, ranges=(Range("max_depth", 3, 6), Range("eta", 0.05, 0.2)))


def test_tuning_that_no_month_could_pay_for_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tuning\.jobs: expected so few that a run, which may cost US\$ 4.14, stays"):
        only(retraining={"tuning": {}, "cost_a_month": 3})
