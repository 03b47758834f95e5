"""InvokeEndpoint as a stock client sees it, against a real data plane."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox


def refusal(plane: Any, endpoint: str, body: bytes = b"1", **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        plane.invoke(endpoint, body, **arguments)
    return caught.value.response


def test_a_stock_client_gets_the_models_answer(plane: Any) -> None:
    assert plane.put("plain", plane.variant("baseline", "champion")) == {"ready": True}
    answer = plane.runtime.invoke_endpoint(EndpointName="plain", Body=b"1,2,3", ContentType="text/csv")
    assert answer["Body"].read() == b"champion,5"
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    assert answer["InvokedProductionVariant"] == "baseline"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_the_aws_command_line_works(plane: Any, tmp_path: Path) -> None:
    plane.put("cli", plane.variant("baseline", "champion"))
    (tmp_path / "body").write_bytes(b"1,2,3")
    command = [str(Path(sys.executable).with_name("aws")), "sagemaker-runtime", "invoke-endpoint"]
    command += ["--endpoint-name", "cli", "--content-type", "text/csv", "--body", f"fileb://{tmp_path}/body"]
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    environment = os.environ | keys | {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": plane.url}
    run = subprocess.run([*command, str(tmp_path / "answer")], env=environment, capture_output=True, check=True)
    assert json.loads(run.stdout)["InvokedProductionVariant"] == "baseline"
    assert (tmp_path / "answer").read_bytes() == b"champion,5"


def test_bad_input_is_a_model_error_with_the_containers_400_and_message(plane: Any) -> None:
    plane.put("bad", plane.variant("baseline", "champion"))
    response = refusal(plane, "bad", b"bad")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 400
    assert response["OriginalMessage"] == "row 1, column 2: not a number"
    assert response["LogStreamArn"].endswith("/aws/sagemaker/Endpoints/bad")
    assert 'client error (400) from primary with message "row 1' in response["Error"]["Message"]


def test_a_failing_model_is_a_model_error_with_500(plane: Any) -> None:
    plane.put("boom", plane.variant("baseline", "champion"))
    response = refusal(plane, "boom", b"boom")
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 500)
    assert response["OriginalMessage"] == "RuntimeError: division by cucumber"


def test_an_unknown_endpoint_or_variant_is_a_validation_error(plane: Any) -> None:
    plane.put("known", plane.variant("baseline", "champion"))
    assert refusal(plane, "unknown")["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint unknown of account 123456789012 not found.",
    }
    assert refusal(plane, "known", TargetVariant="nobody")["Error"]["Code"] == "ValidationError"


def test_an_oversize_body_is_refused_before_the_model_sees_it(plane: Any) -> None:
    plane.put("large", plane.variant("baseline", "champion"))
    assert plane.invoke("large", bytes(6_291_456)) == ("baseline", b"champion,6291456")
    response = refusal(plane, "large", bytes(6_291_457))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert plane.state("large")["variants"]["baseline"]["requests"] == 1


def test_weights_share_the_traffic_and_a_target_overrides_them(plane: Any) -> None:
    plane.put("split", plane.variant("baseline", "old", 3.0), plane.variant("candidate", "new", 1.0))
    answers = [plane.invoke("split") for _ in range(200)]
    assert dict(answers) == {"baseline": b"old,5", "candidate": b"new,5"}
    assert 25 <= sum(variant == "candidate" for variant, _ in answers) <= 75
    assert {plane.invoke("split", TargetVariant="candidate")[0] for _ in range(10)} == {"candidate"}


def test_after_weight_zero_no_request_goes_there_and_the_state_shows_when_the_last_did(plane: Any) -> None:
    baseline, candidate = plane.variant("baseline", "old", 1.0), plane.variant("candidate", "new", 1.0)
    plane.put("back", baseline, candidate)
    while plane.invoke("back")[0] != "candidate":
        pass
    plane.put("back", baseline, {**candidate, "weight": 0.0})
    before = plane.state("back")["variants"]["candidate"]
    assert {plane.invoke("back")[0] for _ in range(50)} == {"baseline"}
    plane.invoke("back", TargetVariant="candidate")
    after = plane.state("back")["variants"]["candidate"]
    assert after["routed"] == before["routed"]
    assert after["last_routed_at"] == before["last_routed_at"]
    assert after["targeted"] == before["targeted"] + 1
    assert after["last_request_at"] > before["last_request_at"]


def test_the_model_sees_its_own_environment_and_nothing_of_ours(plane: Any) -> None:
    plane.put("clean", plane.variant("baseline", "champion"))
    names = plane.invoke("clean", b"environment")[1].decode()
    assert "SAGEMAKER_PROGRAM" in names
    assert "AWS_" not in names and "SANDBOX_" not in names
    root = str(Path(__file__).parents[2])
    assert repr(root) not in plane.invoke("clean", b"path")[1].decode()


def test_a_shadow_gets_copies_and_nobody_gets_its_answers(plane: Any, eventually: Any) -> None:
    shadow = plane.variant("candidate", "new", kind="shadow")
    plane.put("shadow", plane.variant("baseline", "old"), shadow)
    assert {plane.invoke("shadow")[1] for _ in range(20)} == {b"old,5"}
    copied = eventually(
        lambda: (s := plane.state("shadow")["variants"]["candidate"])["answered_2xx"] == 20 and s, seconds=5
    )
    assert (copied["shadow_copies"], copied["requests"]) == (20, 0)
    assert refusal(plane, "shadow", TargetVariant="candidate")["Error"]["Code"] == "ValidationError"


def test_a_slow_shadow_delays_nobody(plane: Any) -> None:
    plane.put("lag", plane.variant("baseline", "old"), plane.variant("candidate", "new", kind="shadow"))
    plane.control("PUT", "faults/lag/candidate", {"extra_latency_ms": 300})
    answers = [plane.invoke("lag")[1] for _ in range(30)]
    assert answers == [b"old,5"] * 30
    assert plane.state("lag")["variants"]["candidate"]["in_flight"] > 20, "the shadow is still busy"
