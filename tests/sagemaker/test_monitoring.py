"""Model Monitor's jobs: what they read, what they write, and how they end."""

import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from monitoring import model_monitor, stream
from sandbox.sagemaker import analyzer, cloudformation, monitoring, role, service
from sandbox.sagemaker.errors import ServiceError
from slipway.drift.reference import Feature, Reference

DUE, BUCKET, ROLE = 1_800_000_000.0, "slipway-test", "arn:aws:iam::123456789012:role/monitor"
HOUR = monitoring.HOUR
REFERENCE = Reference(
    "r", "1", (Feature("_c1", edges=(-1.0, 0.0, 1.0)), Feature("_c2", edges=(2.0,))), Feature("score", edges=(0.5,))
)


def line(at: float, row: str, score: float, id: str) -> str:
    def part(data: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "data": data, "encoding": "CSV"}

    time = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    captured = {"endpointInput": part(row), "endpointOutput": part(str(score))}
    return json.dumps({"captureData": captured, "eventMetadata": {"eventId": id, "inferenceTime": time}})


def lines(count: int, at: float = DUE - HOUR) -> list[str]:
    chance = random.Random(count)
    return [line(at, f"{chance.gauss(0, 1):.4f},{chance.randint(1, 3)}", chance.random(), str(i)) for i in range(count)]


def truth(id: str, label: int) -> str:
    return json.dumps({"groundTruthData": {"data": str(label), "encoding": "CSV"}, "eventMetadata": {"eventId": id}})


def test_statistics_say_the_same_as_counting_the_lines() -> None:
    captured = lines(500)
    counted = stream.profile(captured, REFERENCE)[0]
    written = analyzer.data_quality(captured)
    assert [feature["name"] for feature in written["features"]] == ["_c0", "_c1", "_c2"]
    read = model_monitor.profile(written, REFERENCE)
    assert [column.cells for column in read.columns] == [column.cells for column in counted.columns]
    assert written["features"][2]["inferred_type"] == "Integral"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.integers(0, 400))
def test_a_sketch_stands_for_every_value_and_is_close_in_rank(values: list[float], copies: int) -> None:
    values = values * (1 + copies)
    data = analyzer.sketch(values)
    assert sum(len(level) << weight for weight, level in enumerate(data)) == len(values)
    middle = sorted(values)[len(values) // 2]
    below = sum(1 << weight for weight, level in enumerate(data) for item in level if item < middle)
    assert abs(below - sum(value < middle for value in values)) <= 0.01 * len(values) + 2


def test_text_is_a_category_and_what_is_missing_is_counted() -> None:
    captured = [line(DUE, row, 0.1, row) for row in ("a,1", "b,", "a,nan", ",2")]
    _, text, numbers = analyzer.data_quality(captured)["features"]
    assert text["string_statistics"]["common"] == {"num_present": 3, "num_missing": 1}
    buckets = text["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert buckets == [{"value": "a", "count": 2}, {"value": "b", "count": 1}]
    assert numbers["numerical_statistics"]["common"] == {"num_present": 2, "num_missing": 2}


def test_answers_are_compared_with_the_labels_that_they_have() -> None:
    captured = [line(DUE, "1,1", score, str(i)) for i, score in enumerate([0.9, 0.8, 0.2, 0.1, 0.7])]
    found = analyzer.model_quality(captured, [truth("0", 1), truth("1", 0), truth("2", 1), truth("3", 0)])
    metrics = found["binary_classification_metrics"]
    assert {name: metric["value"] for name, metric in metrics.items()} == {
        "accuracy": 0.5,
        "precision": 0.5,
        "recall": 0.5,
    }


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket, an endpoint that captures into it, and a role that may."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        monkeypatch.setattr(role, "assume", lambda _: {})
        monkeypatch.setattr(role, "client", lambda *_: client)
        live = SimpleNamespace(
            capture={"DestinationS3Uri": f"s3://{BUCKET}/capture"}, variants=[SimpleNamespace(name="baseline")]
        )
        monkeypatch.setattr(monitoring, "ENDPOINTS", {"fraud": SimpleNamespace(live=live)})
        monkeypatch.setattr(monitoring, "spawn", lambda *_: None)
        yield client
        service.reset()


def declared(kind: str = "DataQuality", **given: Any) -> monitoring.Schedule:
    """A definition and its schedule, made through the API."""
    asked = {"EndpointName": "fraud", "LocalPath": "/opt/ml/processing/input", **given.pop("input", {})}
    written = {"S3Uri": f"s3://{BUCKET}/monitoring", "LocalPath": "/opt/ml/processing/output"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
    definition = {
        "JobDefinitionName": f"fraud-{kind}",
        f"{kind}AppSpecification": {"ImageUri": "analyzer"},
        f"{kind}JobInput": {"EndpointInput": asked, **given.pop("more", {})},
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": written}]},
        "JobResources": {"ClusterConfig": cluster},
        "RoleArn": ROLE,
        **given,
    }
    service.call(f"Create{kind}JobDefinition", definition)
    config = {
        "MonitoringJobDefinitionName": f"fraud-{kind}",
        "MonitoringType": kind,
        "ScheduleConfig": {"ScheduleExpression": monitoring.HOURLY},
    }
    service.call("CreateMonitoringSchedule", {"MonitoringScheduleName": "hourly", "MonitoringScheduleConfig": config})
    return monitoring.SCHEDULES.get("hourly")


def put(s3: Any, prefix: str, at: float, body: list[str]) -> None:
    key = f"{prefix}/{datetime.fromtimestamp(at, UTC):%Y/%m/%d/%H}/05-00-000-x.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join(body).encode())


def last() -> dict[str, Any] | None:
    """The summary of the schedule's last execution."""
    described = service.call("DescribeMonitoringSchedule", {"MonitoringScheduleName": "hourly"})
    return described.get("LastMonitoringExecutionSummary")


def ended() -> dict[str, Any]:
    return last() or {}


def read(s3: Any, file: str) -> dict[str, Any]:
    key = f"monitoring/fraud/hourly/{datetime.fromtimestamp(DUE, UTC):%Y/%m/%d/%H}/{file}.json"
    return dict(json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))


def test_a_job_writes_the_documented_files_below_the_hour_in_which_it_was_due(s3: Any) -> None:
    schedule = declared()
    put(s3, "capture/fraud/baseline", DUE - HOUR, lines(30))
    put(s3, "capture/fraud/baseline", DUE, lines(50))
    monitoring.run(schedule, DUE)
    assert ended()["MonitoringExecutionStatus"] == "Completed"
    assert read(s3, "statistics")["dataset"] == {"item_count": 30}
    assert read(s3, "constraint_violations") == {"violations": []}


def test_an_hour_without_data_fails_in_the_words_people_know(s3: Any) -> None:
    monitoring.run(declared(), DUE)
    assert (ended()["MonitoringExecutionStatus"], ended()["FailureReason"]) == ("Failed", "Job inputs had no data")


def test_violated_constraints_are_told_and_the_job_has_completed_all_the_same(s3: Any) -> None:
    constraints = {"features": [{"name": "_c1", "inferred_type": "Integral", "completeness": 1.0}]}
    s3.put_object(Bucket=BUCKET, Key="constraints.json", Body=json.dumps(constraints).encode())
    resource = {"ConstraintsResource": {"S3Uri": f"s3://{BUCKET}/constraints.json"}}
    schedule = declared(DataQualityBaselineConfig=resource)
    put(s3, "capture/fraud/baseline", DUE - HOUR, lines(30))
    monitoring.run(schedule, DUE)
    assert ended()["MonitoringExecutionStatus"] == "CompletedWithViolations"
    (violation,) = read(s3, "constraint_violations")["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("_c1", "data_type_check")


def test_model_quality_looks_at_requests_whose_labels_are_due_and_fails_without_any(s3: Any) -> None:
    schedule = declared(
        "ModelQuality",
        input={"StartTimeOffset": "-PT3H", "EndTimeOffset": "-PT2H"},
        more={"GroundTruthS3Input": {"S3Uri": f"s3://{BUCKET}/ground-truth/fraud"}},
        ModelQualityAppSpecification={"ImageUri": "analyzer", "ProblemType": "BinaryClassification"},
    )
    put(s3, "capture/fraud/baseline", DUE - 3 * HOUR, lines(30))
    monitoring.run(schedule, DUE)
    assert ended()["MonitoringExecutionStatus"] == "Failed"
    put(s3, "ground-truth/fraud", DUE - HOUR, [truth(str(i), i % 2) for i in range(20)])
    monitoring.run(schedule, DUE)
    assert ended()["MonitoringExecutionStatus"] == "Completed"
    assert read(s3, "statistics")["dataset"] == {"item_count": 20}
    executions = service.call("ListMonitoringExecutions", {"MonitoringScheduleName": "hourly"})
    assert len(executions["MonitoringExecutionSummaries"]) == 2


def test_cloudformation_makes_a_definition_and_its_schedule_and_takes_them_away(s3: Any) -> None:
    cluster = {"InstanceCount": "1", "InstanceType": "ml.m5.large", "VolumeSizeInGB": "20"}
    output = {"S3Output": {"S3Uri": f"s3://{BUCKET}/monitoring", "LocalPath": "/opt/ml/processing/output"}}
    job = {
        "JobDefinitionName": "fraud-data-quality",
        "DataQualityAppSpecification": {"ImageUri": "analyzer"},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "fraud", "LocalPath": "/opt/ml/processing/input"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [output]},
        "JobResources": {"ClusterConfig": cluster},
        "RoleArn": ROLE,
    }
    schedule = {
        "MonitoringScheduleName": "hourly",
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": "fraud-data-quality",
            "MonitoringType": "DataQuality",
            "ScheduleConfig": {"ScheduleExpression": monitoring.HOURLY},
        },
    }
    definition = cloudformation.DEFINITIONS[0]
    made, attributes = cloudformation._create(definition, "Job", job, "stack")
    assert made.endswith(":data-quality-job-definition/fraud-data-quality") and attributes["Id"] == made
    scheduled, _ = cloudformation._create(cloudformation.SCHEDULE, "Schedule", schedule, "stack")
    assert last() is None
    cloudformation._delete(cloudformation.SCHEDULE, scheduled, schedule)
    cloudformation._delete(definition, made, job)
    assert monitoring.SCHEDULES.all() == monitoring.DEFINITIONS["DataQuality"].all() == []


def test_other_schedules_than_hourly_ones_are_refused_by_name(s3: Any) -> None:
    declared()
    config = {"MonitoringJobDefinitionName": "fraud-DataQuality", "MonitoringType": "DataQuality"}
    wrong = {**config, "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"}}
    with pytest.raises(ServiceError, match="runs DataQuality and ModelQuality schedules"):
        service.call("CreateMonitoringSchedule", {"MonitoringScheduleName": "x", "MonitoringScheduleConfig": wrong})


def test_each_hour_is_looked_at_once_and_never_before_it_is_over(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule, began = declared(), 1_800_000_900.0
    now = {"at": began}
    ran: list[tuple[float, float]] = []

    def wait(real: float) -> bool:
        now["at"] += real
        return len(ran) == 5

    monkeypatch.setattr(monitoring, "CLOCK", SimpleNamespace(now=lambda: now["at"], real=lambda seconds: seconds))
    monkeypatch.setattr(monitoring, "run", lambda _, due: ran.append((due, now["at"])))
    schedule.stop = SimpleNamespace(wait=wait)  # type: ignore[assignment]
    monitoring._tick(schedule)
    first = math.ceil(began / HOUR) * HOUR
    assert [due for due, _ in ran] == [first + i * HOUR for i in range(5)]
    assert all(0 <= at - due <= monitoring.LATEST for due, at in ran)
