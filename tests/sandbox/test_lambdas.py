"""Functions run as AWS runs them."""

import io
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.sandbox.conftest import eventually

pytestmark = pytest.mark.sandbox


def test_an_exception_keeps_its_class_name_and_the_worker_stays_warm(function, invoke):
    arn = function("""
        import os
        class EndpointBusy(Exception): pass
        def handler(event, context):
            if event.get("fail"):
                raise EndpointBusy("try later")
            return os.getpid()
    """)
    before, _ = invoke(arn)
    error, kind = invoke(arn, {"fail": True})
    after, _ = invoke(arn)
    assert (error["errorType"], error["errorMessage"], kind) == ("EndpointBusy", "try later", "Unhandled")
    assert "raise EndpointBusy" in "".join(error["stackTrace"])
    assert before == after


def test_a_function_gets_the_sdk_of_the_runtime_and_nothing_else_of_this_environment(function, invoke):
    arn = function("""
        import importlib.util
        def handler(event, context):
            return {n: importlib.util.find_spec(n) is not None for n in ("boto3", "six", "numpy", "slipway", "sandbox")}
    """)
    assert invoke(arn)[0] == {"boto3": True, "six": True, "numpy": False, "slipway": False, "sandbox": False}


def test_a_missing_dependency_fails_at_import_as_on_aws(function, invoke):
    error, _ = invoke(function("import numpy\ndef handler(event, context): return 1"))
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "numpy" in error["errorMessage"]


def test_a_layer_brings_its_packages(gateway, function, invoke, unique):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("python/greeting.py", "word = 'hello from the layer'")
    layer = gateway.client("lambda").publish_layer_version(
        LayerName=f"l-{unique}", Content={"ZipFile": buffer.getvalue()}
    )
    source = "import greeting\ndef handler(event, context): return greeting.word"
    assert invoke(function(source, layers=[layer["LayerVersionArn"]]))[0] == "hello from the layer"


def test_the_packages_own_clock_runs_on_virtual_time(gateway, function, invoke):
    arn = function(
        "from lambdas.aws import clock\ndef handler(event, context): return clock.now().timestamp()",
        lambdas____init__="",
        lambdas__aws____init__="",
        lambdas__aws__clock="from datetime import UTC, datetime\ndef now(): return datetime.now(UTC)",
    )
    seen, _ = invoke(arn)
    assert seen == pytest.approx(gateway.clock.now(), abs=120)
    gateway.clock.sleep(60)
    assert invoke(arn)[0] - seen > 59


def test_a_handler_that_takes_too_long_is_ended(function, invoke):
    arn = function("import time\ndef handler(event, context): time.sleep(30)", Timeout=1)
    started = time.monotonic()
    error, _ = invoke(arn)
    assert (error["errorType"], "timed out" in error["errorMessage"]) == ("Sandbox.Timedout", True)
    assert time.monotonic() - started < 8


def test_each_function_has_its_own_role(function, invoke, gateway, unique):
    bucket = f"b-{unique}"
    gateway.client("s3").create_bucket(Bucket=bucket)
    source = f"""
        import boto3
        def handler(event, context):
            boto3.client("s3").put_object(Bucket={bucket!r}, Key="k", Body=b"x")
            return boto3.client("sts").get_caller_identity()["Arn"]
    """
    may = function(source, ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    assert ":assumed-role/lambda-" in invoke(may)[0]
    may_not = function(source, ("s3:PutObject", "arn:aws:s3:::another/*"))
    error, _ = invoke(may_not)
    assert "AccessDenied" in error["errorMessage"]


def test_an_asynchronous_invocation_is_tried_three_times(gateway, function, unique):
    bucket = f"tries-{unique}"
    s3 = gateway.client("s3")
    s3.create_bucket(Bucket=bucket)
    arn = function(
        f"""
        import boto3, uuid
        def handler(event, context):
            boto3.client("s3").put_object(Bucket={bucket!r}, Key=uuid.uuid4().hex, Body=b"")
            raise ValueError("always")
        """,
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"),
    )
    gateway.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=b"{}")
    eventually(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 3, within=15)
    errors = gateway.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": arn.rsplit(":", 1)[-1]}],
        StartTime=datetime.fromtimestamp(gateway.clock.now() - 3600, UTC),
        EndTime=datetime.fromtimestamp(gateway.clock.now() + 60, UTC),
        Period=86400,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in errors) >= 2


def test_embedded_metrics_in_the_log_become_metrics(gateway, function, invoke, unique):
    arn = function(f"""
        import json
        def handler(event, context):
            directive = {{"Namespace": "N-{unique}", "Dimensions": [["service"]], "Metrics": [{{"Name": "Held"}}]}}
            document = {{"_aws": {{"Timestamp": 0, "CloudWatchMetrics": [directive]}}, "service": "s", "Held": 3}}
            print(json.dumps(document))
    """)
    invoke(arn)
    now = gateway.clock.now()
    points = gateway.client("cloudwatch").get_metric_statistics(
        Namespace=f"N-{unique}",
        MetricName="Held",
        Dimensions=[{"Name": "service", "Value": "s"}],
        StartTime=datetime.fromtimestamp(now - 600, UTC),
        EndTime=datetime.fromtimestamp(now + 600, UTC),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 3


def test_a_function_that_was_deleted_during_its_run_leaves_no_log_group(gateway, function, unique):
    bucket = f"ends-{unique}"
    s3, lambdas, logs = (gateway.client(name) for name in ("s3", "lambda", "logs"))
    s3.create_bucket(Bucket=bucket)
    arn = function(
        f"""
        import boto3, time
        def handler(event, context):
            s3 = boto3.client("s3")
            s3.put_object(Bucket={bucket!r}, Key="begun", Body=b"")
            while s3.list_objects_v2(Bucket={bucket!r}, Prefix="deleted")["KeyCount"] == 0:
                time.sleep(0.02)
        """,
        (["s3:PutObject", "s3:ListBucket"], f"arn:aws:s3:::{bucket}*"),
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambdas.invoke, FunctionName=arn)
        eventually(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1)
        lambdas.delete_function(FunctionName=arn)
        s3.put_object(Bucket=bucket, Key="deleted", Body=b"")
        running.exception()
    group = f"/aws/lambda/{arn.rsplit(':', 1)[-1]}"
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
