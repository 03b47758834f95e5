import gzip
import hashlib
import io

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


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"no tar")])
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
