"""What cdk.json's context says, parsed strictly. Nothing is looked up: not the account, not the environment."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra import tuning
from infra.checks import Check, ConfigError, boolean, listing, number, optional, refuse, section, text, unknown, whole
from slipway import names, plan
from slipway.retraining.settings import Settings as Retraining

DAY = 1440  # minutes
MONITORS = ("slipway", names.MODEL_MONITOR, "off")


@dataclass(frozen=True)
class Thresholds:
    """When an alarm fires: the failed share of a minute's requests; the 90th percentile of the model's latency."""

    error_rate: float = 0.10
    latency_p90_ms: float = 500.0


@dataclass(frozen=True)
class Drift:
    """How traffic is watched: windows of so many minutes, closed so many minutes after their end, labelled so many
    hours after it; false_alarms: at most one is tolerated in so many windows; effect_floor: least shift that matters.
    job_megabytes, spark_megabytes: of a window's traffic and labels, from where on a processing job joins them, and a
    cluster of two instances; job_instance_type: of these, and of the job that compares the holdout with the requests of
    so many hours, as often; holdout_hours: None for never.
    """

    window_minutes: int = 60
    settle_minutes: int = 10
    label_hours: int = 72
    false_alarms: int = 1000
    effect_floor: float = 0.02
    job_megabytes: int = 100
    spark_megabytes: int = 2_000
    job_instance_type: str = "ml.m5.xlarge"
    holdout_hours: float | None = 168


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. After its first deployment a changed setting takes effect with the next release.

    image: a version of the managed XGBoost container, or a whole image URI.
    first_model: s3://bucket/models/... of the model the endpoint starts with; without it there is no endpoint yet.
    plan: JSON text of a built-in plan's name, or of a plan.
    monitor: what watches its traffic for drift: slipway, model-monitor or off.
    target_invocations_per_instance: requests a minute that one instance should take before another is added.
    """

    name: str
    instance_type: str = "ml.m5.large"
    initial_instance_count: int = 1
    max_instance_count: int = 4
    image: str = "3.2-0"
    first_model: str | None = None
    plan: str = '"canary"'
    alarm_email: str | None = None
    capture_percentage: int = 100
    alarms: Thresholds = field(default_factory=Thresholds)
    target_invocations_per_instance: int = 1000
    keep_old_config_days: int = 7
    monitor: str = "slipway"
    drift: Drift = field(default_factory=Drift)
    retraining: Retraining = field(default_factory=Retraining)


@dataclass(frozen=True)
class Config:
    """endpoints: at least one; retain_data: whether ledger, bucket, key and registry outlive their stack."""

    endpoints: tuple[Endpoint, ...]
    retain_data: bool = True

    @property
    def endpoint_names(self) -> list[str]:
        return [endpoint.name for endpoint in self.endpoints]


def _name(path: str, value: object) -> str:
    # SageMaker lower-cases names in ARNs, and IAM compares ARNs by case; 40 leaves room for `-<version>-<id>-settled`.
    checked = text(r"[a-z0-9]+(-[a-z0-9]+)*", "lower-case letters and digits, joined by single hyphens")(path, value)
    if len(checked) > 40:
        raise refuse(path, "at most 40 characters", value)
    return checked


def _plan(path: str, value: object) -> str:
    try:
        plan.parse(value)
    except ValueError as error:
        raise ConfigError(f"{path.removesuffix('plan')}{error}") from None
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


_THRESHOLDS = section(Thresholds, {"error_rate": number(0, 1), "latency_p90_ms": number(0, 60_000)})
_INSTANCE_TYPE = text(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "an instance type such as ml.m5.large")
_DRIFT = section(
    Drift,
    {
        "window_minutes": whole(1, DAY),
        "settle_minutes": whole(1, 120),
        "label_hours": whole(1, 24 * 30),
        "false_alarms": whole(1, 1_000_000),
        "effect_floor": number(0, 1),
        "job_megabytes": whole(0, 1_000_000),
        "spark_megabytes": whole(0, 1_000_000_000),
        "job_instance_type": _INSTANCE_TYPE,
        "holdout_hours": optional(number(0, 24 * 90)),
    },
)
_IMAGE_URI = r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.]+/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})"
_RETRAINING = section(
    Retraining,
    {
        "enabled": boolean,
        "on_drift": boolean,
        "schedule": optional(text(r"(rate|cron)\(.+\)", "null, rate(...) or cron(...) as EventBridge writes them")),
        "new_labels": optional(whole(1, 1_000_000_000)),
        "window_days": whole(1, 3650),
        "label_hours": whole(0, 24 * 30),
        "matured": number(0, 1),
        "least_positives": whole(1, 1_000_000_000),
        "waits_days": whole(0, 365),
        "cooldown_hours": whole(0, 24 * 365),
        "runs_a_month": whole(1, 1000),
        "cost_a_month": number(0, 1_000_000),
        "approval": text("automatic|manual", "automatic or manual"),
        "approval_hours": whole(1, 24 * 13),
        "instance_type": _INSTANCE_TYPE,
        "price_an_hour": number(0, 1000),
        "job_minutes": whole(5, 24 * 60),
        "spot": boolean,
        "image": optional(text(_IMAGE_URI, "null, or an ECR image URI")),
        "spark_megabytes": whole(0, 1_000_000_000),
        "mlflow": optional(text(r"arn:\S+|https?://\S+", "null, an MLflow server's ARN or its URL")),
        "tuning": optional(tuning.SECTION),
    },
)
_ENDPOINT = section(
    Endpoint,
    {
        "name": _name,
        "instance_type": _INSTANCE_TYPE,
        "initial_instance_count": whole(1, 100),
        "max_instance_count": whole(1, 100),
        "image": text(rf"\d+\.\d+-\d+|{_IMAGE_URI}", "an XGBoost container version such as 3.2-0, or an ECR image URI"),
        "first_model": optional(
            text(
                rf"s3://[a-z0-9.-]{{3,63}}/{names.MODELS}/\S+",
                f"null, or a model below {names.MODELS}/ in Slipway's bucket: s3://bucket/{names.MODELS}/...",
            )
        ),
        "plan": _plan,
        "alarm_email": optional(text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "null or an e-mail address")),
        "capture_percentage": whole(1, 100),
        "alarms": _THRESHOLDS,
        "target_invocations_per_instance": whole(1, 1_000_000),
        "keep_old_config_days": whole(0, 365),
        "monitor": text("|".join(MONITORS), f"one of {', '.join(MONITORS)}"),
        "drift": _DRIFT,
        "retraining": _RETRAINING,
    },
)
_KNOWN: dict[str, Check[Any]] = {"endpoints": listing(_ENDPOINT), "retain_data": boolean}


def parse(context: Mapping[str, object]) -> Config:
    """The context of the app. Keys with `:`, `@` or `/` are the CDK's own and pass.

    Raises ConfigError, whose message names the key.
    """
    for key in context:
        if key not in _KNOWN and not re.search("[:@/]", key):
            raise unknown(key, key, list(_KNOWN))
    if "endpoints" not in context:
        raise ConfigError('endpoints: missing; give at least [{"name": "fraud"}] in the context of cdk.json')
    config = Config(**{key: check(key, context[key]) for key, check in _KNOWN.items() if key in context})
    if not config.endpoints:
        raise ConfigError('endpoints: empty; give at least [{"name": "fraud"}]')
    for index, endpoint in enumerate(config.endpoints):
        _consistent(f"endpoints[{index}]", endpoint)
    _distinct(config.endpoint_names)
    return config


def _consistent(path: str, endpoint: Endpoint) -> None:
    least, most = endpoint.initial_instance_count, endpoint.max_instance_count
    if most < least:
        raise refuse(f"{path}.max_instance_count", f"at least initial_instance_count ({least})", most)
    minutes = endpoint.drift.window_minutes
    if DAY % minutes:
        raise refuse(
            f"{path}.drift.window_minutes", f"a divisor of a day ({DAY} minutes), such as 15, 60 or 360", minutes
        )
    if endpoint.monitor == names.MODEL_MONITOR and minutes != 60:
        raise refuse(f"{path}.drift.window_minutes", "60, since Model Monitor looks once an hour", minutes)
    managed = "/" not in endpoint.image
    _on_x86(f"{path}.instance_type", endpoint.instance_type, "XGBoost" if managed else "")
    _on_x86(f"{path}.retraining.instance_type", endpoint.retraining.instance_type, "XGBoost" if managed else "")
    _on_x86(f"{path}.drift.job_instance_type", endpoint.drift.job_instance_type, "Spark")
    tuning.check(f"{path}.retraining", endpoint.retraining)
    _retrainable(path, endpoint)


def _on_x86(path: str, instance_type: str, image: str) -> None:
    if image and re.match(r"ml\.[a-z]+\d+g[a-z]*\.", instance_type):
        raise refuse(path, f"an x86 instance type (the managed {image} image has no arm64 build)", instance_type)


def _retrainable(path: str, endpoint: Endpoint) -> None:
    """The Python of the managed image is 3.12 from 3.2 on, and before that older than what the jobs are written for."""
    asked = endpoint.retraining
    if "/" in endpoint.image or not asked.enabled or asked.image:
        return
    if tuple(map(int, endpoint.image.split("-")[0].split("."))) < (3, 2):
        expected = f"an image whose Python is 3.12, which {endpoint.image} has not, or retraining.enabled false"
        raise refuse(f"{path}.retraining.image", expected, asked.image)


def _distinct(endpoints: list[str]) -> None:
    """What releases of `fraud` make is named `fraud-...`, and so are the rights to it: no other endpoint may be."""
    for index, name in enumerate(endpoints):
        for other in endpoints[:index]:
            short, long = sorted((name, other), key=len)
            if long == short or long.startswith(f"{short}-"):
                clash = (
                    f"clashes with {other!r}: what is made for {short!r} is named '{short}-...'; choose another name"
                )
                raise ConfigError(f"endpoints[{index}].name: {name!r} {clash}")
