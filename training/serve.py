"""Inference in SageMaker's script mode: model_fn, input_fn, predict_fn and output_fn.

The file travels inside the model artifact (`code/serve.py`) and stands alone. What a caller can get wrong raises
BadRequest, a 4xx; anything else that raises is the model's fault, a 5xx, and counts against the release.
"""

import functools
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

SCHEMA_VERSION = 1
MAX_BODY = 6_291_456  # bytes; the limit of SageMaker's InvokeEndpoint
CSV, JSON = "text/csv", "application/json"


class BadRequest(Exception):
    """The caller's mistake: an HTTP status (400, 406, 413 or 415) and a message that says what was expected."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answers_callers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the managed container answer a BadRequest with its status.

    That container (sagemaker-containers 2.8, a Flask application) turns whatever these functions raise into a 500;
    what it lets us do is to replace the response of the request at hand.
    """

    @functools.wraps(function)
    def answering(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except BadRequest as error:
            flask = sys.modules.get("flask")
            if flask and flask.has_request_context():
                response = flask.Response(str(error), error.status, mimetype="text/plain")
                flask.after_this_request(lambda _: response)
            raise

    return answering


@dataclass(frozen=True)
class Model:
    """A booster and what its manifest promises; `required` is a bool a column: may not be missing."""

    booster: xgboost.Booster
    names: tuple[str, ...]
    required: np.ndarray
    threshold: float


def model_fn(model_dir: str) -> Model:
    """Load `model.ubj` by `manifest.json`. Raises RuntimeError where the two, or the XGBoost versions, disagree."""
    manifest = json.loads((Path(model_dir) / "manifest.json").read_text())
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise RuntimeError(f"manifest.json has schema_version {manifest['schema_version']}, not {SCHEMA_VERSION}")
    # Another minor version can load the model without an error and score differently.
    trained, running = (version.split(".")[:2] for version in (manifest["xgboost_version"], xgboost.__version__))
    if trained != running:
        raise RuntimeError(f"trained with XGBoost {'.'.join(trained)}, this container runs {'.'.join(running)}")
    booster = xgboost.Booster({"nthread": 1}, model_file=str(Path(model_dir) / "model.ubj"))
    features = manifest["features"]
    if booster.num_features() != len(features):
        raise RuntimeError(f"manifest.json names {len(features)} features, the model has {booster.num_features()}")
    return Model(
        booster=booster,
        names=tuple(feature["name"] for feature in features),
        required=np.array([not feature["missing_allowed"] for feature in features]),
        threshold=float(manifest["threshold"]),
    )


@answers_callers
def input_fn(body: bytes | str, content_type: str | None) -> np.ndarray:
    """Parse a request into float32 of shape (rows, columns); a missing value is NaN. Raises BadRequest."""
    raw = body.encode(errors="replace") if isinstance(body, str) else bytes(body)
    if len(raw) > MAX_BODY:
        raise BadRequest(413, f"the body has {len(raw)} bytes; at most {MAX_BODY} are accepted")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == CSV:
        return _from_csv(raw)
    if media_type == JSON:
        return _from_json(raw)
    raise BadRequest(415, f"content type {media_type!r} is not supported; send {CSV} or {JSON}")


@answers_callers
def predict_fn(data: np.ndarray, model: Model) -> np.ndarray:
    """Probabilities of the positive class, float32 of shape (rows,).

    Raises BadRequest on data the manifest does not allow, RuntimeError where the model gives a non-finite score.
    """
    if data.shape[1] != len(model.names):
        names = ", ".join(model.names[:3])
        expected = f"expected {len(model.names)} columns ({names}, ..., {model.names[-1]})"
        raise BadRequest(400, f"{expected}, got {data.shape[1]}")
    if not np.isfinite(data).all():
        _check_missing(data, model)
    scores = model.booster.inplace_predict(data, validate_features=False)
    if not np.isfinite(scores).all():
        raise RuntimeError("the model gave a score that is not finite")
    return scores


@answers_callers
def output_fn(prediction: np.ndarray, accept: str | None) -> tuple[str, str]:
    """The body and its content type: one score a line, or `{"predictions": [{"score": x}]}`. Raises BadRequest."""
    media_type = _acceptable(accept or "")
    scores = [f"{score:.9g}" for score in prediction.tolist()]  # 9 digits bring a float32 back exactly
    if media_type == CSV:
        return "\n".join(scores), CSV
    return '{"predictions": [' + ", ".join(f'{{"score": {score}}}' for score in scores) + "]}", JSON


def _from_csv(raw: bytes) -> np.ndarray:
    lines = raw.rstrip(b"\r\n").split(b"\n")
    if lines == [b""]:
        raise BadRequest(400, "the body is empty; send one row a line, numbers separated by commas")
    return _matrix([_csv_row(line, number) for number, line in enumerate(lines, start=1)])


def _csv_row(line: bytes, row: int) -> list[float]:
    cells = line.split(b",")
    try:
        if b"_" not in line:  # Python would read 1_000 as a number
            return list(map(float, cells))
    except ValueError:
        pass
    if not line.strip():
        raise BadRequest(400, f"row {row} is empty; send one row a line, numbers separated by commas")
    return [_csv_cell(cell.strip(), row, column) for column, cell in enumerate(cells, start=1)]


def _csv_cell(cell: bytes, row: int, column: int) -> float:
    if not cell:
        return math.nan
    try:
        if b"_" not in cell:
            return float(cell)
    except ValueError:
        pass
    hint = " (send no header)" if row == 1 else ""
    raise BadRequest(400, f"row {row}, column {column}: expected a number, got {_shown(cell)}{hint}")


def _from_json(raw: bytes) -> np.ndarray:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"the body is not JSON: {error}"[:200]) from None
    if isinstance(document, dict):
        document = document.get("instances", [document] if "features" in document else None)
    if isinstance(document, list) and document and not isinstance(document[0], list | dict):
        document = [document]
    if not isinstance(document, list) or not document:
        shape = '{"instances": [[...], ...]}, {"features": [...]} or [[...], ...]'
        raise BadRequest(400, f"expected at least one row as {shape}")
    return _matrix([_json_row(row, number) for number, row in enumerate(document, start=1)])


def _json_row(value: object, row: int) -> list[float]:
    cells = value.get("features") if isinstance(value, dict) else value
    if not isinstance(cells, list):
        raise BadRequest(400, f"row {row}: expected a list of numbers, got {_shown(value)}")
    return [_json_cell(cell, row, column) for column, cell in enumerate(cells, start=1)]


def _json_cell(cell: object, row: int, column: int) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise BadRequest(400, f"row {row}, column {column}: expected a number or null, got {_shown(cell)}")
    try:
        return float(cell)
    except OverflowError:
        return math.inf


def _matrix(rows: Sequence[list[float]]) -> np.ndarray:
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise BadRequest(400, f"row {number} has {len(row)} columns, row 1 has {width}")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which predict_fn refuses by name
        return np.array(rows, dtype=np.float64).astype(np.float32)


def _check_missing(data: np.ndarray, model: Model) -> None:
    refused = np.argwhere(np.isinf(data) | (np.isnan(data) & model.required))
    if len(refused):
        row, column = refused[0]
        fault = "infinite or too large" if np.isinf(data[row, column]) else "missing or NaN"
        where = f"row {row + 1}, column {column + 1} ({model.names[column]})"
        raise BadRequest(400, f"{where}: expected a finite number, the value is {fault}")


def _acceptable(accept: str) -> str:
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for wanted in ranges:
        if wanted in ("", "*/*", "text/*", CSV):
            return CSV
        if wanted in ("application/*", JSON):
            return JSON
    raise BadRequest(406, f"cannot answer as {accept[:80]!r}; accept {CSV} or {JSON}")


def _shown(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else json.dumps(value)
    return repr(text if len(text) <= 40 else text[:40] + "...")
