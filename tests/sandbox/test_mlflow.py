"""The MLflow server of a sandbox: it answers when the sandbox has started, and ends with it."""

from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from sandbox import mlflow
from sandbox.demo import up
from sandbox.environment import Sandbox

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        here = tmp_path_factory.mktemp("mlflow")
        patch.chdir(here)
        with Sandbox(logs=Path("logs"), dataplane=False, mlflow=True) as running:
            process = running.processes()["mlflow"]
            yield running.mlflow_url
            assert (here / "logs" / "mlflow" / "mlflow.db").exists()
    assert not psutil.pid_exists(process)


def test_an_alias_names_a_version_with_its_tags(url):
    client = MlflowClient(url, url)
    client.create_registered_model("bank")
    client.create_model_version("bank", "s3://bucket/model.tar.gz", tags={"by": "ana"})
    client.set_registered_model_alias("bank", "champion", "1")
    seen = mlflow.aliased(url, "bank", "champion")
    assert (seen["version"], seen["tags"]) == ("1", [{"key": "by", "value": "ana"}])


@pytest.mark.parametrize("model", ["bank-without-alias", "not-there"])
def test_an_alias_that_nothing_bears_is_none(url, model):
    if model != "not-there":
        MlflowClient(url, url).create_registered_model(model)
    assert mlflow.aliased(url, model, "champion") is None


def test_a_sandbox_has_none_unless_asked():
    assert Sandbox().mlflow_url is None


def test_a_story_told_from_another_terminal_knows_the_server(tmp_path):
    running = Sandbox(logs=tmp_path, mlflow=True)
    up._write(running, tmp_path)
    assert up._read(tmp_path).mlflow_url == running.mlflow_url
