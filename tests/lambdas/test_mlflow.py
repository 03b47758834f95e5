"""The adapter against MLflow's own REST handlers over SQLite."""

import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from mlflow import MlflowClient
from sagemaker_mlflow.mlflow_sagemaker_helpers import SageMakerMLflowHostMetadataProvider

from lambdas.aws import mlflow
from sandbox.mlflow import MlflowServer
from slipway.lineage import Call, Package, Wanted

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/bank/{}"
SERVER = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/team"
APP = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-ABC123"
PACKAGES = tuple(
    Package(ARN.format(n), n, f"s3://b/models/{n}/model.tar.gz", "Approved", 1e9 + n, {"validation:auc": f"0.{n}"})
    for n in (1, 2)
)
WANTED = Wanted("bank", PACKAGES, champion=PACKAGES[0].arn, candidate=PACKAGES[1].arn)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = MlflowServer(tmp_path_factory.mktemp("mlflow"), "s3://bucket/mlflow")
    yield made.url
    made.stop()


@pytest.mark.sandbox
def test_mlflow_is_brought_in_step_and_stays_so(server: str) -> None:
    assert mlflow.reconcile(server, WANTED) > 0
    assert mlflow.reconcile(server, WANTED) == 0
    seen = MlflowClient(server, server)
    champion = seen.get_model_version_by_alias("bank", "champion")
    assert champion.source == PACKAGES[0].artifact
    assert seen.get_run(champion.run_id).data.metrics == {"validation.auc": 0.1}
    assert seen.get_run(champion.run_id).info.status == "FINISHED"

    promoted = replace(WANTED, champion=PACKAGES[1].arn, candidate="")
    mlflow.reconcile(server, promoted)
    assert seen.get_model_version_by_alias("bank", "champion").source == PACKAGES[1].artifact
    assert list(seen.get_registered_model("bank").aliases) == ["champion"]

    seen.set_registered_model_alias("bank", "champion", "1")
    seen.delete_run(champion.run_id)
    assert mlflow.reconcile(server, promoted) > 0, "the registry is the truth, whatever people did in MLflow"
    assert seen.get_model_version_by_alias("bank", "champion").source == PACKAGES[1].artifact
    assert mlflow.reconcile(server, promoted) == 0


@pytest.mark.sandbox
def test_a_refused_call_names_itself_and_mlflows_reason(server: str) -> None:
    with pytest.raises(mlflow.MlflowError, match=r"POST runs/create gave 400 INVALID_PARAMETER_VALUE"):
        mlflow._request(server, Call("POST", "runs/create", {"experiment_id": "no-number"}))


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def headers(request: urllib.request.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.header_items()}


@pytest.mark.parametrize(
    ("server", "host", "service", "header"),
    [
        (SERVER, "eu-west-1.experiments.sagemaker.aws", "sagemaker-mlflow", "x-mlflow-sm-tracking-server-arn"),
        (APP, "mlflow.sagemaker.eu-west-1.app.aws", "sagemaker", "x-sm-mlflow-app-arn"),
    ],
)
def test_requests_to_sagemakers_mlflow_are_signed_for_its_service(
    credentials: None, server: str, host: str, service: str, header: str
) -> None:
    request = mlflow.prepared(server, Call("GET", "model-versions/search", {"filter": "name='a b'", "max_results": 5}))
    assert request.full_url == (
        f"https://{host}/api/2.0/mlflow/model-versions/search?filter=name%3D%27a%20b%27&max_results=5"
    )
    assert f"/eu-west-1/{service}/aws4_request" in headers(request)["authorization"]
    assert headers(request)[header] == server
    assert header in headers(request)["authorization"], "the header that routes the request is signed too"


def test_the_signed_hosts_are_those_that_sagemakers_own_plugin_uses(credentials: None) -> None:
    for server in (SERVER, APP):
        theirs = SageMakerMLflowHostMetadataProvider()
        theirs.set_arn(server)
        request = mlflow.prepared(server, Call("POST", "runs/search", {}))
        assert request.full_url.startswith(f"{theirs.construct_tracking_server_url()}/api/")


@pytest.mark.parametrize("server", ["", "bank", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/bank", "ftp://x"])
def test_a_server_that_is_neither_an_arn_nor_a_url_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="expected the ARN of a SageMaker MLflow App or tracking server"):
        mlflow.prepared(server, Call("POST", "runs/search", {}))
