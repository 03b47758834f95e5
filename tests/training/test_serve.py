import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import flask
import numpy as np
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training import serve

ROW = b"0.5,-1.25,3,10.5"
VALUES = [0.5, -1.25, 3, 10.5]


@pytest.fixture(scope="module")
def model(model_dir: Path) -> serve.Model:
    return serve.model_fn(str(model_dir))


def infer(model: serve.Model, body: bytes, content_type: str = "text/csv", accept: str = "text/csv") -> str:
    return serve.output_fn(serve.predict_fn(serve.input_fn(body, content_type), model), accept)[0]


def refused(model: serve.Model, body: bytes, content_type: str = "text/csv", accept: str = "text/csv"):
    with pytest.raises(serve.BadRequest) as caught:
        infer(model, body, content_type, accept)
    return caught.value


def test_a_row_of_csv_gets_the_score_that_the_booster_gives(model, model_dir):
    booster = xgboost.Booster(model_file=model_dir / "model.ubj")
    names = booster.feature_names
    expected = booster.predict(xgboost.DMatrix(np.array([VALUES], dtype=np.float32), feature_names=names))[0]
    assert np.float32(infer(model, ROW)) == expected


@pytest.mark.parametrize("body", [ROW, ROW + b"\n", ROW + b"\r\n", b" 0.5, -1.25 ,3,1.05e1"])
@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV"])
def test_spellings_of_the_same_row_get_the_same_score(model, body, content_type):
    assert infer(model, body, content_type) == infer(model, ROW)


@pytest.mark.parametrize("document", [{"instances": [VALUES]}, {"features": VALUES}, [VALUES], VALUES])
def test_json_gets_the_score_that_csv_gets(model, document):
    assert infer(model, json.dumps(document).encode(), "application/json") == infer(model, ROW)


def test_a_batch_gives_one_score_a_line_in_order(model):
    rows = [b"0,0,0,0", b"2,-2,0,0", b"-2,2,0,0"]
    assert infer(model, b"\r\n".join(rows)).split("\n") == [infer(model, row) for row in rows]


def test_json_out_holds_the_same_scores(model):
    body, content_type = serve.output_fn(serve.predict_fn(serve.input_fn(ROW, "text/csv"), model), "application/json")
    assert content_type == "application/json"
    assert [item["score"] for item in json.loads(body)["predictions"]] == [float(infer(model, ROW))]


@pytest.mark.parametrize("accept", ["", None, "*/*", "text/*;q=0.5", "image/png, text/csv"])
def test_an_open_accept_header_is_answered_with_csv(accept):
    assert serve.output_fn(np.array([0.5], dtype=np.float32), accept) == ("0.5", "text/csv")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b"\n\n", "the body is empty"),
        (b"1,2,3", "expected 4 columns (a, b, c, ..., amount), got 3"),
        (b"1,2,3,4,5", "got 5"),
        (b"1,2,3,4\n1,2,3", "row 2 has 3 columns, row 1 has 4"),
        (b"1,2,3,4\n\n1,2,3,4", "row 2 is empty"),
        (b"a,b,c,amount", "row 1, column 1: expected a number, got 'a' (send no header)"),
        (b"1,2,3,4\n1,x,3,4", "row 2, column 2: expected a number, got 'x'"),
        (b"1,2,3,1_000", "column 4: expected a number, got '1_000'"),
        (b"1,2,3,\xff\xfe", "column 4: expected a number"),
        (b"1,,3,4", "row 1, column 2 (b): expected a finite number, the value is missing or NaN"),
        (b"1,2,nan,4", "row 1, column 3 (c): expected a finite number, the value is missing or NaN"),
        (b"1,2,3,-inf", "row 1, column 4 (amount): expected a finite number, the value is infinite"),
        (b"1,2,3,1e39", "row 1, column 4 (amount): expected a finite number, the value is infinite or too large"),
    ],
)
def test_a_bad_csv_body_is_a_400_that_names_row_and_column(model, body, message):
    error = refused(model, body)
    assert error.status == 400
    assert message in str(error)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"{}", "expected at least one row"),
        (b"[]", "expected at least one row"),
        (b"null", "expected at least one row"),
        (b'{"instances": [7]}', "expected 4 columns"),
        (b'{"instances": [[1,2,3,4], 7]}', "row 2: expected a list of numbers, got '7'"),
        (b"[[1,2,3,true]]", "row 1, column 4: expected a number or null, got 'true'"),
        (b'[[1,2,3,"4"]]', "row 1, column 4: expected a number or null"),
        (b"[[1,2,3,null]]", "column 4 (amount): expected a finite number"),
        (b"[[1,2,3,1" + b"0" * 400 + b"]]", "column 4 (amount): expected a finite number"),
    ],
)
def test_a_bad_json_body_is_a_400_that_says_what_was_expected(model, body, message):
    error = refused(model, body, "application/json")
    assert error.status == 400
    assert message in str(error)


def test_other_media_types_and_long_bodies_have_their_own_statuses(model):
    assert refused(model, ROW, "application/x-protobuf").status == 415
    assert refused(model, ROW, accept="image/png").status == 406
    assert refused(model, b"1" * (serve.MAX_BODY + 1)).status == 413
    with pytest.raises(serve.BadRequest):
        serve.input_fn(ROW, None)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text("0123456789.,-+eEnaif_ \n\r", max_size=80).map(str.encode),
        st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=12).map(
            lambda value: json.dumps({"instances": value}).encode()
        ),
    ),
    content_type=st.sampled_from(["text/csv", "application/json", "text/csv;charset=latin-1"]) | st.text(),
    accept=st.sampled_from(["*/*", "text/csv", "application/json"]) | st.text(),
)
def test_whatever_is_sent_gets_finite_scores_or_a_4xx(model, body, content_type, accept):
    try:
        answer = infer(model, body, content_type, accept)
    except serve.BadRequest as error:
        assert 400 <= error.status <= 499
        assert str(error)
    else:
        assert "nan" not in answer.lower()


def test_a_feature_that_was_missing_in_training_may_be_missing(model):
    lenient = serve.Model(model.booster, model.names, np.array([True, False, True, True]), 0.5)
    assert math.isfinite(float(infer(lenient, b"1,,3,4")))
    assert infer(lenient, b"1,,3,4") == infer(lenient, b"[[1,null,3,4]]", "application/json")
    assert refused(lenient, b"1,2,,4").status == 400


def test_a_score_that_is_not_finite_is_the_models_fault(model):
    broken = SimpleNamespace(inplace_predict=lambda data, validate_features: np.array([0.5, np.nan], dtype=np.float32))
    with pytest.raises(RuntimeError, match="not finite"):
        infer(serve.Model(broken, model.names, model.required, 0.5), ROW + b"\n" + ROW)


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (ROW, "text/csv", "text/csv", 200),
        (b"1,2,3", "text/csv", "text/csv", 400),
        (ROW, "text/csv", "image/png", 406),
        (b"1" * (serve.MAX_BODY + 1), "text/csv", "text/csv", 413),
        (ROW, "image/png", "text/csv", 415),
    ],
)
def test_a_container_that_makes_every_exception_a_500_still_answers_with_the_status(
    model, body, content_type, accept, status
):
    """sagemaker-containers wraps what serving code raises in an exception of its own, which Flask answers with 500."""
    container = flask.Flask(__name__)

    @container.post("/invocations")
    def invocations():
        try:
            answer = infer(model, flask.request.data, flask.request.content_type, flask.request.headers["Accept"])
            return flask.Response(answer)
        except Exception as error:
            raise RuntimeError("ClientError") from error

    client = container.test_client()
    response = client.post("/invocations", data=body, headers={"Content-Type": content_type, "Accept": accept})
    assert response.status_code == status
    assert (response.text == infer(model, ROW)) == (status == 200)
    assert "Internal Server Error" not in response.text


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("xgboost_version", "3.0.5", "trained with XGBoost 3.0, this container runs 3.2"),
        ("schema_version", 2, "schema_version 2"),
        ("features", [], "names 0 features, the model has 4"),
    ],
)
def test_a_model_that_disagrees_with_its_manifest_does_not_start(model_dir, tmp_path, key, value, message):
    shutil.copytree(model_dir, tmp_path / "model")
    path = tmp_path / "model" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(RuntimeError, match=message):
        serve.model_fn(str(tmp_path / "model"))
