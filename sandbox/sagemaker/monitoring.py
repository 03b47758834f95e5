"""Model Monitor: job definitions, and schedules whose jobs look at the hour before, up to 20 minutes late.

An hour without data ends as Failed; a job whose constraints are violated as CompletedWithViolations.
"""

import json
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.sagemaker import analyzer, role, storage
from sandbox.sagemaker.endpoint import ENDPOINTS
from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.operations import OPERATIONS, Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing, spawn

HOUR, LATEST = 3600.0, 1200.0  # virtual seconds: between two jobs, and at most until one starts
HOURLY = "cron(0 * ? * * *)"
DATA, MODEL = "DataQuality", "ModelQuality"


@dataclass
class Schedule:
    """described: what DescribeMonitoringSchedule answers. executions: summaries, oldest first."""

    described: dict[str, Any]
    executions: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return str(self.described["MonitoringScheduleName"])

    @property
    def config(self) -> dict[str, Any]:
        return dict(self.described["MonitoringScheduleConfig"])


DEFINITIONS: dict[str, Table[dict[str, Any]]] = {
    DATA: Table("data-quality-job-definition", "data quality job definition"),
    MODEL: Table("model-quality-job-definition", "model quality job definition"),
}
SCHEDULES: Table[Schedule] = Table("monitoring-schedule", "monitoring schedule")


def _define(kind: str, params: Params) -> Answer:
    role.assume(params["RoleArn"])
    name, table = params["JobDefinitionName"], DEFINITIONS[kind]
    described = {key: value for key, value in params.items() if key != "Tags"}
    described.update({"JobDefinitionArn": table.arn(name), "CreationTime": CLOCK.now()})
    table.add(name, described, params.get("Tags", ()))
    return {"JobDefinitionArn": described["JobDefinitionArn"]}


def _delete_definition(kind: str, params: Params) -> Answer:
    DEFINITIONS[kind].remove(params["JobDefinitionName"])
    return {}


for _kind in (DATA, MODEL):
    OPERATIONS[f"Create{_kind}JobDefinition"] = lambda params, kind=_kind: _define(kind, params)
    OPERATIONS[f"Describe{_kind}JobDefinition"] = lambda params, kind=_kind: dict(
        DEFINITIONS[kind].get(params["JobDefinitionName"])
    )
    OPERATIONS[f"Delete{_kind}JobDefinition"] = lambda params, kind=_kind: _delete_definition(kind, params)


@operation
def create_monitoring_schedule(params: Params) -> Answer:
    name, config = params["MonitoringScheduleName"], params["MonitoringScheduleConfig"]
    expression = config.get("ScheduleConfig", {}).get("ScheduleExpression")
    if expression != HOURLY or config.get("MonitoringType") not in DEFINITIONS:
        raise invalid(f"The sandbox runs {DATA} and {MODEL} schedules of {HOURLY} by job definition.")
    definition = DEFINITIONS[config["MonitoringType"]].get(config["MonitoringJobDefinitionName"])
    described = {
        "MonitoringScheduleArn": SCHEDULES.arn(name),
        "MonitoringScheduleName": name,
        "MonitoringScheduleStatus": "Scheduled",
        "MonitoringType": config["MonitoringType"],
        "CreationTime": CLOCK.now(),
        "LastModifiedTime": CLOCK.now(),
        "MonitoringScheduleConfig": config,
        "EndpointName": _input(definition)["EndpointName"],
    }
    schedule = Schedule(described)
    SCHEDULES.add(name, schedule, params.get("Tags", ()))
    spawn(_tick, schedule)
    return {"MonitoringScheduleArn": described["MonitoringScheduleArn"]}


@operation
def describe_monitoring_schedule(params: Params) -> Answer:
    with LOCK:
        schedule = SCHEDULES.get(params["MonitoringScheduleName"])
        last = {"LastMonitoringExecutionSummary": schedule.executions[-1]} if schedule.executions else {}
        return {**schedule.described, **last}


@operation
def delete_monitoring_schedule(params: Params) -> Answer:
    SCHEDULES.remove(params["MonitoringScheduleName"]).stop.set()
    return {}


@operation
def list_monitoring_executions(params: Params) -> Answer:
    wanted = params.get("MonitoringScheduleName")
    rows = [row for schedule in SCHEDULES.all() if wanted in (None, schedule.name) for row in schedule.executions]
    return listing("MonitoringExecutionSummaries", rows, "MonitoringScheduleName", {**params, "NameContains": ""})


def _tick(schedule: Schedule) -> None:
    """A job for every hour that begins while the schedule stands."""
    due = (CLOCK.now() // HOUR + 1) * HOUR
    while True:
        late = random.Random(f"{schedule.name}{due}").uniform(0, LATEST)
        if schedule.stop.wait(CLOCK.real(max(0.0, due + late - CLOCK.now()))):
            return
        run(schedule, due)
        due += HOUR


def run(schedule: Schedule, due: float) -> None:
    """One execution, of the hour before `due` (virtual Unix seconds)."""
    execution = {
        "MonitoringScheduleName": schedule.name,
        "ScheduledTime": due,
        "CreationTime": CLOCK.now(),
        "LastModifiedTime": CLOCK.now(),
        "MonitoringExecutionStatus": "InProgress",
        "EndpointName": schedule.described["EndpointName"],
        "MonitoringJobDefinitionName": schedule.config["MonitoringJobDefinitionName"],
        "MonitoringType": schedule.config["MonitoringType"],
    }
    with LOCK:
        schedule.executions.append(execution)
    try:
        ended = {"MonitoringExecutionStatus": "CompletedWithViolations" if _look(schedule, due) else "Completed"}
    except Exception as error:
        ended = {"MonitoringExecutionStatus": "Failed", "FailureReason": f"{error}"[:1024]}
    with LOCK:
        execution.update(ended, LastModifiedTime=CLOCK.now())


def _look(schedule: Schedule, due: float) -> bool:
    """Reads as the definition's role, writes its files, and answers whether constraints are violated."""
    kind = schedule.config["MonitoringType"]
    definition = DEFINITIONS[kind].get(schedule.config["MonitoringJobDefinitionName"])
    s3 = role.client("s3", role.assume(definition["RoleArn"]))
    given = _input(definition)
    since, until = (due + _offset(given.get(f"{end}TimeOffset")) for end in ("Start", "End"))
    since = since if given.get("StartTimeOffset") else due - HOUR
    lines = _captured(s3, given["EndpointName"], since, until)
    if kind == DATA:
        found = analyzer.data_quality(lines)
    else:
        truth = definition["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"]
        found = analyzer.model_quality(lines, _below(s3, truth, since, due))
    broken = analyzer.violations(found, _constraints(s3, kind, definition))
    target = definition[f"{kind}JobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]["S3Uri"].rstrip("/")
    folder = f"{target}/{given['EndpointName']}/{schedule.name}/{_hour(due)}"
    for name, document in {"statistics": found, "constraint_violations": {"violations": broken}}.items():
        bucket, key = storage.split(f"{folder}/{name}.json")
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())
    return bool(broken)


def _input(definition: dict[str, Any]) -> dict[str, Any]:
    return dict(
        next(definition[f"{kind}JobInput"] for kind in DEFINITIONS if f"{kind}JobInput" in definition)["EndpointInput"]
    )


def _constraints(s3: Any, kind: str, definition: dict[str, Any]) -> dict[str, Any]:
    resource = definition.get(f"{kind}BaselineConfig", {}).get("ConstraintsResource", {}).get("S3Uri")
    if not resource:
        return {}
    bucket, key = storage.split(resource)
    return dict(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))


def _captured(s3: Any, endpoint: str, since: float, until: float) -> list[str]:
    """Lines of all variants together: Model Monitor knows none."""
    live = ENDPOINTS.get(endpoint).live
    if live is None or live.capture is None:
        return []
    base = f"{live.capture['DestinationS3Uri'].rstrip('/')}/{endpoint}"
    return [line for v in live.variants for line in _below(s3, f"{base}/{v.name}", since, until)]


def _below(s3: Any, uri: str, since: float, until: float) -> list[str]:
    """Lines of the objects below the hours of [since, until)."""
    lines = []
    hour = since // HOUR * HOUR
    while hour < until:
        bucket, prefix = storage.split(f"{uri.rstrip('/')}/{_hour(hour)}/")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for key in [item["Key"] for page in pages for item in page.get("Contents", ())]:
            lines += s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
        hour += HOUR
    return lines


def _offset(text: str | None) -> float:
    """`-PT1H` or `-P8D` in seconds."""
    if not text:
        return 0.0
    number = float("".join(filter(str.isdigit, text)))
    return -number * (86400.0 if text.endswith("D") else HOUR)


def _hour(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y/%m/%d/%H}"
