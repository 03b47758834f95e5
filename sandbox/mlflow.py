"""An MLflow server in this process: MLflow's own REST handlers over a local SQLite file, without the full package."""

import os
import threading
from pathlib import Path
from typing import Any

STORE = "_MLFLOW_SERVER_FILE_STORE"  # how MLflow's server tells its handlers, as `mlflow server` does
ARTIFACTS = "_MLFLOW_SERVER_ARTIFACT_ROOT"


class MlflowServer:
    """`url` answers until `stop`. One a process: MLflow's handlers keep their store in a global."""

    def __init__(self, folder: Path, artifacts: str) -> None:
        """artifacts: an address such as s3://bucket/mlflow, under which MLflow says that artifacts lie."""
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ[STORE], os.environ[ARTIFACTS] = f"sqlite:///{folder / 'mlflow.db'}", artifacts
        from werkzeug.serving import make_server

        self._server = make_server("127.0.0.1", 0, _application(), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def _application() -> Any:
    import flask
    from mlflow.server import handlers

    application = flask.Flask("mlflow")
    for path, handler, methods in handlers.get_endpoints():
        application.add_url_rule(path, f"{path} {methods}", handler, methods=methods)
    return application
