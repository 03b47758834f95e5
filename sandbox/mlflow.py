"""`python -m sandbox.mlflow --port P --folder F`: an MLflow server on 127.0.0.1, until standard input closes.

MLflow's own REST handlers over a local SQLite file, without the full package. Prints `READY http://127.0.0.1:PORT` once
it answers.
"""

import argparse
import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

STORE = "_MLFLOW_SERVER_FILE_STORE"  # how MLflow's server tells its handlers, as `mlflow server` does
ARTIFACTS = "_MLFLOW_SERVER_ARTIFACT_ROOT"
API = "/api/2.0/mlflow"


class MlflowServer:
    """`url` answers until `stop`. One a process: MLflow's handlers keep their store in a global."""

    def __init__(self, folder: Path, artifacts: str, port: int = 0) -> None:
        """artifacts: an address such as s3://bucket/mlflow, under which MLflow says that artifacts lie."""
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ[STORE], os.environ[ARTIFACTS] = f"sqlite:///{folder / 'mlflow.db'}", artifacts
        from werkzeug.serving import make_server

        self._server = make_server("127.0.0.1", port, _application(), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def aliased(url: str, model: str, alias: str) -> dict[str, Any] | None:
    """The version of a model that bears an alias, as MLflow's REST API gives it."""
    asked = urllib.parse.urlencode({"name": model, "alias": alias})
    try:
        with urllib.request.urlopen(f"{url}{API}/registered-models/alias?{asked}", timeout=20) as answer:
            return dict(json.load(answer)["model_version"])
    except urllib.error.HTTPError as error:
        if error.code not in (400, 404):  # no such alias, no such model
            raise
        return None


def _application() -> Any:
    import flask
    from mlflow.server import handlers

    application = flask.Flask("mlflow")
    for path, handler, methods in handlers.get_endpoints():
        application.add_url_rule(path, f"{path} {methods}", handler, methods=methods)
    return application


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.mlflow", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--folder", type=Path, required=True, help="where its database lies")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    server = MlflowServer(folder, (folder / "artifacts").as_uri(), arguments.port)
    aliased(server.url, "none", "none")  # the first request makes the tables
    print(f"READY {server.url}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
