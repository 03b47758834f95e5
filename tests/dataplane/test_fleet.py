"""Containers' lives in a real data plane: deploying, failing, restarting, ending."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before, or between opening and reading
        return False


def code(plane: Any, endpoint: str, body: bytes = b"1") -> str:
    """The error's name; `ok` if there is none."""
    try:
        plane.invoke(endpoint, body)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_a_model_that_does_not_load_leaves_the_old_routing_in_place(plane: Any) -> None:
    plane.put("keep", plane.variant("baseline", "old"))
    answer = plane.put("keep", plane.variant("baseline", "old", 0.0), plane.variant("candidate", "broken"))
    assert answer == {"ready": False, "failures": {"candidate": "ValueError: the model file is corrupt"}}
    assert plane.invoke("keep") == ("baseline", b"old,5")
    assert list(plane.state("keep")["variants"]) == ["baseline"]


def test_an_artifact_that_is_missing_is_a_failure_that_names_it(plane: Any) -> None:
    variant = plane.variant("baseline", "old")
    variant["model"]["artifact"] = "file:///nowhere/model.tar.gz"
    answer = plane.put("missing", variant)
    assert not answer["ready"] and "/nowhere/model.tar.gz" in answer["failures"]["baseline"]


def test_a_new_weight_keeps_the_containers(plane: Any) -> None:
    variants = [plane.variant("baseline", "old"), plane.variant("candidate", "new")]
    plane.put("weights", *variants)
    before = plane.state("weights")["variants"]
    started = time.perf_counter()
    plane.put("weights", variants[0], {**variants[1], "weight": 9.0})
    assert time.perf_counter() - started < 0.2
    after = plane.state("weights")["variants"]
    assert [v["pid"] for v in after.values()] == [v["pid"] for v in before.values()]


def test_a_new_model_replaces_the_container_without_losing_a_request(plane: Any, eventually: Any) -> None:
    plane.put("swap", plane.variant("baseline", "old"))
    old_pid = plane.state("swap")["variants"]["baseline"]["pid"]
    answers: list[bytes] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            answers.append(plane.invoke("swap", b"sleep 0.02")[1])

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    plane.put("swap", plane.variant("baseline", "new"))
    seen = len(answers)
    eventually(lambda: len(answers) > seen + 20)
    stop.set()
    for caller in callers:
        caller.join()
    assert set(answers) == {b"old,10", b"new,10"}
    assert answers[seen:].count(b"old,10") <= 4, "only what was on its way when the routing changed"
    eventually(lambda: not alive(old_pid))
    history = {entry["model"]: entry["requests"] for entry in plane.state("swap")["history"]}
    assert history["old"] + history["new"] == len(answers)


def test_instances_work_side_by_side_and_one_alone_in_order(plane: Any) -> None:
    variant = plane.variant("baseline", "old")

    def timed() -> float:
        callers = [threading.Thread(target=plane.invoke, args=("scale", b"sleep 0.2")) for _ in range(3)]
        started = time.perf_counter()
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return time.perf_counter() - started

    plane.put("scale", variant)
    assert timed() >= 0.6
    plane.put("scale", {**variant, "instances": 3})
    assert timed() < 0.5
    plane.put("scale", variant)
    assert timed() >= 0.6


def test_a_crash_is_a_5xx_and_the_container_comes_back(plane: Any, eventually: Any) -> None:
    plane.put("crash", plane.variant("baseline", "old"))
    assert code(plane, "crash", b"exit") == "ServiceUnavailable"
    eventually(lambda: code(plane, "crash") == "ok")
    state = plane.state("crash")["variants"]["baseline"]
    assert state["restarts"] == 1
    assert state["answered_5xx"] >= 1


def test_a_killed_container_stays_down_until_the_fault_is_lifted(plane: Any, eventually: Any) -> None:
    plane.put("kill", plane.variant("baseline", "old"))
    plane.control("PUT", "faults/kill/baseline", {"kill": True})
    time.sleep(0.8)  # longer than the first restart takes
    assert code(plane, "kill") == "ServiceUnavailable"
    assert plane.state("kill")["variants"]["baseline"]["pid"] is None
    plane.control("PUT", "faults/kill/baseline", {})
    eventually(lambda: code(plane, "kill") == "ok")


def test_the_weight_moves_away_from_a_container_that_is_down(plane: Any) -> None:
    baseline, candidate = plane.variant("baseline", "old"), plane.variant("candidate", "new")
    plane.put("away", baseline, candidate)
    plane.control("PUT", "faults/away/candidate", {"kill": True})
    assert "ServiceUnavailable" in {code(plane, "away") for _ in range(30)}
    assert plane.put("away", baseline, {**candidate, "weight": 0.0, "instances": 2}) == {"ready": True}
    assert {code(plane, "away") for _ in range(30)} == {"ok"}


def test_faults_make_errors_and_latency_and_clear(plane: Any) -> None:
    plane.put("fault", plane.variant("baseline", "old"))
    plane.control("PUT", "faults/fault/baseline", {"error_rate": 1.0, "extra_latency_ms": 100})
    started = time.perf_counter()
    assert code(plane, "fault") == "ModelError"
    assert time.perf_counter() - started >= 0.1
    plane.control("PUT", "faults/fault/baseline", {"error_rate": 0.5})
    codes = [code(plane, "fault") for _ in range(60)]
    assert 15 <= codes.count("ModelError") <= 45
    plane.control("PUT", "faults/fault/baseline", {})
    assert {code(plane, "fault") for _ in range(20)} == {"ok"}


def test_faults_outlive_the_container(plane: Any) -> None:
    plane.put("sticky", plane.variant("baseline", "old"))
    plane.control("PUT", "faults/sticky/baseline", {"error_rate": 1.0})
    plane.put("sticky", plane.variant("baseline", "new"))
    assert code(plane, "sticky") == "ModelError"


def test_a_deleted_endpoint_is_gone_and_so_is_its_container(plane: Any, eventually: Any) -> None:
    plane.put("gone", plane.variant("baseline", "old"))
    pid = plane.state("gone")["variants"]["baseline"]["pid"]
    assert plane.control("DELETE", "endpoints/gone") == (200, {})
    assert code(plane, "gone") == "ValidationError"
    eventually(lambda: not alive(pid))
    assert plane.control("DELETE", "endpoints/gone")[0] == 404


def test_control_needs_the_token_and_a_newer_version(plane: Any) -> None:
    plane.put("versions", plane.variant("baseline", "old"))
    stale = {"version": 0, "config_name": "c", "endpoint_config_arn": "", "capture": None}
    status, answer = plane.control(
        "PUT", "endpoints/versions", {**stale, "variants": [plane.variant("baseline", "old")]}
    )
    assert status == 400 and "version 0 is older" in answer["error"]
    assert plane.control("GET", "state", token="wrong")[0] == 403
    assert plane.control("PUT", "endpoints/versions", "text")[0] == 400
    assert plane.control("POST", "state")[0] == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_flushes_and_ends_every_process(start_plane: Any, number: int) -> None:
    plane = start_plane("--flush-seconds", "60")
    plane.put("last", plane.variant("baseline", "old"))
    pid = plane.state("last")["variants"]["baseline"]["pid"]
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(plane.invoke("last", b"sleep 0.5")))
    caller.start()
    while plane.state("last")["variants"]["baseline"]["in_flight"] == 0:
        time.sleep(0.01)
    os.killpg(plane.process.pid, number) if number == signal.SIGINT else plane.process.send_signal(number)
    assert plane.process.wait(10) == 0
    caller.join()
    assert answers == [("baseline", b"old,9")]
    assert plane.metric("Invocations", "last", "baseline") == (1, 1)
    assert not alive(pid)


def test_a_failing_model_leaves_its_traceback_in_the_endpoints_log_group(start_plane: Any) -> None:
    plane = start_plane()
    plane.put("trace", plane.variant("baseline", "old"))
    assert code(plane, "trace", b"boom") == "ModelError"
    plane.process.send_signal(signal.SIGTERM)
    assert plane.process.wait(10) == 0
    log = (plane.directory / "sink/logs/aws/sagemaker/Endpoints/trace/baseline/old.log").read_text()
    assert "Traceback" in log and "division by cucumber" in log


def test_the_router_ends_with_its_parent_if_asked_to(start_plane: Any) -> None:
    plane = start_plane("--with-parent")
    plane.process.stdin.close()
    assert plane.process.wait(10) == 0


def test_containers_do_not_outlive_a_killed_router(start_plane: Any, eventually: Any) -> None:
    plane = start_plane()
    plane.put("orphan", plane.variant("baseline", "old"))
    pid = plane.state("orphan")["variants"]["baseline"]["pid"]
    plane.process.kill()
    eventually(lambda: not alive(pid))
