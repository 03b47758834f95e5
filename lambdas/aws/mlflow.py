"""MLflow's REST API, with the standard library and SigV4: no MLflow client in a function.

The server is an ARN (a SageMaker MLflow App or tracking server, whose requests are signed) or the URL of any other one.
https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow.html
"""

import hashlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError

from slipway.lineage import PACKAGE_TAG, Call, Observed, SeenRun, SeenVersion, Wanted, experiment_name, plan

TIMEOUT = 20
PAGE = 200
LOOKS = 6  # experiment and model, runs, versions, aliases, and one to see that it is done
# Resource type of an ARN -> host, name to sign for, and the header that says which server is meant.
_SAGEMAKER = {
    "mlflow-tracking-server": (
        "{region}.experiments.sagemaker.aws",
        "sagemaker-mlflow",
        "x-mlflow-sm-tracking-server-arn",
    ),
    "mlflow-app": ("mlflow.sagemaker.{region}.app.aws", "sagemaker", "x-sm-mlflow-app-arn"),
}
_ARN = re.compile(r"arn:(?:aws|aws-us-gov):sagemaker:(?P<region>[\w-]+):\d+:(?P<kind>[\w-]+)/[\w-]+")


class MlflowError(Exception):
    """MLflow refused a call; `code` is its error_code."""

    def __init__(self, call: str, status: int, code: str, message: str) -> None:
        super().__init__(f"MLflow: {call} gave {status} {code}: {message}")
        self.code = code


class NotInStep(Exception):
    """After LOOKS looks there is still something to do: somebody else writes, or a call has no effect."""


def reconcile(server: str, wanted: Wanted) -> int:
    """Bring MLflow in step with the registry; returns how many calls that took. May run at any time, and twice.

    Raises MlflowError, NotInStep, and OSError where the server can't be reached.
    """
    done = 0
    for _ in range(LOOKS):
        calls = plan(wanted, observe(server, wanted.endpoint))
        if not calls:
            return done
        for call in calls:
            _perform(server, call)
        done += len(calls)
    raise NotInStep(f"MLflow is not in step with {wanted.endpoint} after {LOOKS} looks; next: {calls[0]}")


def _perform(server: str, call: Call) -> None:
    """What exists already, or is gone already, was done by another look at the same time."""
    try:
        _request(server, call)
    except MlflowError as error:
        if error.code not in ("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"):
            raise


def observe(server: str, endpoint: str) -> Observed:
    experiment = _get(server, "experiments/get-by-name", experiment_name=experiment_name(endpoint))
    model = _get(server, "registered-models/get", name=endpoint)
    aliases = (model or {}).get("registered_model", {}).get("aliases", [])
    id = experiment["experiment"]["experiment_id"] if experiment else None
    return Observed(
        experiment=id,
        model=model is not None,
        runs=tuple(_runs(server, id)) if id else (),
        versions=tuple(_versions(server, endpoint)) if model else (),
        aliases={alias["alias"]: int(alias["version"]) for alias in aliases},
    )


def _runs(server: str, experiment: str) -> Iterator[SeenRun]:
    asked = {"experiment_ids": [experiment], "max_results": PAGE}
    for run in _pages(server, "POST", "runs/search", asked, "runs"):
        info, data = run["info"], run["data"]
        tags = _tags(data)
        if PACKAGE_TAG in tags:
            metrics = {metric["key"]: float(metric["value"]) for metric in data.get("metrics", ())}
            yield SeenRun(info["run_id"], info["status"], tags, metrics, float(info.get("start_time", 0)))


def _versions(server: str, endpoint: str) -> Iterator[SeenVersion]:
    asked = {"filter": f"name='{endpoint}'", "max_results": PAGE}
    for version in _pages(server, "GET", "model-versions/search", asked, "model_versions"):
        tags = _tags(version)
        if PACKAGE_TAG in tags:
            yield SeenVersion(int(version["version"]), version.get("run_id", ""), version.get("source", ""), tags)


def _pages(server: str, method: str, path: str, asked: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    token = None
    while True:
        answer = _request(server, Call(method, path, asked | ({"page_token": token} if token else {})))
        yield from answer.get(name, ())
        token = answer.get("next_page_token")
        if not token:
            return


def _tags(holder: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in holder.get("tags", ())}


def _get(server: str, path: str, **asked: str) -> dict[str, Any] | None:
    """None for what MLflow does not have."""
    try:
        return _request(server, Call("GET", path, asked))
    except MlflowError as error:
        if error.code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _request(server: str, call: Call) -> dict[str, Any]:
    request = prepared(server, call)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  (https, or as configured)
            return dict(json.loads(answer.read() or b"{}"))
    except urllib.error.HTTPError as error:
        raise _refusal(f"{call.method} {call.path}", error.code, error.read()) from None


def _refusal(call: str, status: int, body: bytes) -> MlflowError:
    try:
        told = json.loads(body)
        return MlflowError(call, status, str(told["error_code"]), str(told.get("message", "")))
    except (ValueError, KeyError, TypeError):
        return MlflowError(call, status, "", body[:200].decode(errors="replace"))


def prepared(server: str, call: Call) -> urllib.request.Request:
    """The HTTP request of a call. Raises ValueError for a server that is neither an ARN nor a URL."""
    query, body = "", None
    if call.method == "GET":
        query = "?" + urllib.parse.urlencode(call.body, quote_via=urllib.parse.quote)
    else:
        body = json.dumps(call.body).encode()
    path = f"/api/2.0/mlflow/{call.path}{query}"
    headers = {"Content-Type": "application/json"}
    if server.startswith(("https://", "http://")):
        return urllib.request.Request(server.rstrip("/") + path, body, headers, method=call.method)  # noqa: S310
    found = _ARN.fullmatch(server)
    if not found or found["kind"] not in _SAGEMAKER:
        raise ValueError(f"expected the ARN of a SageMaker MLflow App or tracking server, or a URL; got {server!r}")
    host, service, header = _SAGEMAKER[found["kind"]]
    headers |= {header: server, "X-Amz-Content-SHA256": hashlib.sha256(body or b"").hexdigest()}
    url = f"https://{host.format(region=found['region'])}{path}"
    signed = AWSRequest(call.method, url, data=body, headers=headers)
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    SigV4Auth(credentials, service, found["region"]).add_auth(signed)
    return urllib.request.Request(url, body, dict(signed.headers), method=call.method)
