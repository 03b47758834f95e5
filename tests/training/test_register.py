import gzip
import hashlib
import io
import json
import re

import boto3
import pytest
from botocore.stub import Stubber

from slipway import names
from training import package, register

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/1"
ADDRESS = "s3://models/fraud/model.tar.gz"


class Recorder:
    """Checks each request against the service's model, keeps it, and answers with an ARN."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict]] = []
        self.client = boto3.client("sagemaker", region_name="us-east-1")
        self.stub = Stubber(self.client)
        self.client.meta.events.register("provide-client-params.sagemaker.*", self._keep)

    def _keep(self, params, model, **_):
        self.calls.append((model.name, params))
        return params


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def archive(model_dir, tmp_path) -> bytes:
    return package.artifact(model_dir, tmp_path / "model.tar.gz").read_bytes()


def s3(content: bytes):
    client = boto3.client("s3", region_name="us-east-1")
    stub = Stubber(client)
    stub.add_response("get_object", {"Body": io.BytesIO(content)}, {"Bucket": "models", "Key": "fraud/model.tar.gz"})
    stub.activate()
    return client


def test_a_package_carries_digest_version_and_metrics_and_waits_for_approval(archive):
    sagemaker = Recorder()
    sagemaker.stub.add_response("create_model_package", {"ModelPackageArn": ARN})
    with sagemaker.stub:
        arn = register.register(sagemaker.client, s3(archive), artifact=ADDRESS, group="fraud", image="image:3.2-0")
    assert arn == ARN
    ((name, request),) = sagemaker.calls
    assert name == "CreateModelPackage"
    assert request["ModelApprovalStatus"] == "PendingManualApproval"
    properties = request["CustomerMetadataProperties"]
    assert properties["slipway:artifact-sha256"] == hashlib.sha256(archive).hexdigest()
    assert properties["slipway:xgboost-version"] == "3.2.0"
    assert float(properties["validation:auc"]) > 0.8
    (container,) = request["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == ADDRESS
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"


def test_approving_is_a_second_call_so_that_it_raises_the_approval_event(archive):
    sagemaker = Recorder()
    sagemaker.stub.add_response("create_model_package", {"ModelPackageArn": ARN})
    sagemaker.stub.add_response("update_model_package", {"ModelPackageArn": ARN})
    with sagemaker.stub:
        register.register(sagemaker.client, s3(archive), artifact=ADDRESS, group="fraud", image="image", approve=True)
    assert sagemaker.calls[1] == (
        "UpdateModelPackage",
        {"ModelPackageArn": ARN, "ModelApprovalStatus": "Approved"},
    )


RUN = "fraud-retrain-3fa2c1"
LINEAGE = register.Lineage(run=RUN, trigger="concept drift: age [30, 45) < 12 %", champion=ARN, holdout_log_loss="0.41")


def test_a_retrained_package_says_what_it_was_made_from_and_where_its_baseline_lies(archive, model_dir):
    sagemaker = Recorder()
    sagemaker.stub.add_response("list_model_packages", {"ModelPackageSummaryList": []})
    sagemaker.stub.add_response("create_model_package", {"ModelPackageArn": ARN})
    sagemaker.stub.add_response("update_model_package", {"ModelPackageArn": ARN})
    given = {"artifact": ADDRESS, "group": "fraud", "image": "image", "evaluation": "s3://models/e/evaluation.json"}
    with sagemaker.stub:
        register.register(
            sagemaker.client, s3(archive), **given, made_from=LINEAGE, baseline="s3://models/monitoring/fraud/baselines"
        )
    _, (_, created), (_, updated) = sagemaker.calls
    properties = created["CustomerMetadataProperties"]
    manifest = json.loads((model_dir / "manifest.json").read_text())
    assert properties["slipway:run"] == RUN
    assert properties["slipway:trigger"] == "concept drift: age  30  45    12  "
    assert properties["slipway:data-sha256"] == manifest["data"]["sha256"]
    assert properties["slipway:code-sha256"] == manifest["code_sha256"]
    assert "slipway:mlflow-run" not in properties
    assert created["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == given["evaluation"]
    own = {"slipway:baseline": "s3://models/monitoring/fraud/baselines/1/"}
    assert updated == {"ModelPackageArn": ARN, "CustomerMetadataProperties": own}


def test_every_value_of_the_metadata_fits_sagemakers_pattern(archive):
    shape = boto3.client("sagemaker", region_name="us-east-1").meta.service_model.shape_for("CustomerMetadataValue")
    allowed = shape.metadata["pattern"].partition("${")[0].replace(r"\p{L}\p{Z}\p{N}_", r"\w\s")
    told = register.metadata(register.read_manifest(archive), "ab" * 32) | LINEAGE.metadata()
    assert all(re.fullmatch(allowed, value) and len(value) <= shape.metadata["max"] for value in told.values())
    assert len(register.Lineage(trigger="x" * 999).metadata()["slipway:trigger"]) == 256


def test_a_run_that_is_repeated_finds_the_package_it_made(archive):
    sagemaker = Recorder()
    others = [ARN.replace("/1", f"/{number}") for number in (3, 2)]
    seen = {"ModelPackageName": "x", "ModelPackageStatus": "Completed", "CreationTime": 0}
    seen |= {"ModelPackageStatusDetails": {"ValidationStatuses": []}}
    summaries = [
        {"ModelPackageArn": arn, "ModelPackageName": "x", "CreationTime": 0, "ModelPackageStatus": "Completed"}
        for arn in others
    ]
    sagemaker.stub.add_response("list_model_packages", {"ModelPackageSummaryList": summaries})
    for arn, run in zip(others, ("another", RUN), strict=True):
        told = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"slipway:run": run}}
        sagemaker.stub.add_response("describe_model_package", seen | told)
    with sagemaker.stub:
        given = {"artifact": ADDRESS, "group": "fraud", "image": "image", "made_from": LINEAGE}
        assert register.register(sagemaker.client, s3(archive), **given) == others[1]


def test_a_lineage_with_an_unknown_key_is_refused_by_its_name():
    with pytest.raises(ValueError, match="unknown key trigga"):
        register.lineage({"trigga": "x"})


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar")], ids=["empty", "no archive", "no tar"]
)
def test_an_artifact_without_a_manifest_is_refused(content):
    with pytest.raises(ValueError, match=r"no model\.tar\.gz"):
        register.register(None, s3(content), artifact=ADDRESS, group="fraud", image="image")


@pytest.mark.parametrize("address", ["models/fraud", "s3://models", "https://models/fraud/model.tar.gz"])
def test_an_artifact_must_be_an_address_in_s3(address):
    with pytest.raises(ValueError, match="expected s3://bucket/key"):
        register.register(None, None, artifact=address, group="fraud", image="image")


def test_the_metadata_keys_are_those_that_admission_reads():
    assert register.ARTIFACT_SHA256 == names.ARTIFACT_SHA256
    assert register.XGBOOST_VERSION == names.XGBOOST_VERSION
