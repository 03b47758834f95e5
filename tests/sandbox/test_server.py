"""The gateway process: how it starts, how it ends, and what it changes in its pinned parts."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from sandbox.environment import ROOT, Sandbox, StartError

pytestmark = pytest.mark.sandbox

CHECK = """
import os, sys
from sandbox import server
server.assemble(4566)
from sandbox.aws.patching import REPLACED
print(len(REPLACED))
"""


def test_every_private_name_that_the_extensions_replace_still_exists():
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


def test_a_name_that_went_away_is_named():
    from types import SimpleNamespace

    from sandbox.aws.patching import replace

    with pytest.raises(AttributeError, match="_gone"):
        replace(SimpleNamespace(), "_gone", None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_its_workers(number, tmp_path):
    sandbox = Sandbox(speed=60, logs=tmp_path, dataplane=False).start()
    try:
        server = sandbox._processes["gateway"]
        _invoke_something(sandbox)
        children = psutil.Process(server.pid).children(recursive=True)
        assert children
        server.send_signal(number)
        assert server.wait(10) == 0
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    finally:
        sandbox.stop()


def test_the_server_ends_with_the_process_that_started_it(tmp_path):
    script = (
        "import os, pathlib, sys\n"
        "from sandbox.environment import Sandbox\n"
        "sandbox = Sandbox(logs=pathlib.Path(sys.argv[1]), dataplane=False).start()\n"
        "print(sandbox.processes()['gateway'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    server = int(killed.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(server) and psutil.Process(server).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)


def test_an_error_inside_leaves_no_process(tmp_path):
    pids = {}
    with pytest.raises(ZeroDivisionError), Sandbox(logs=tmp_path, dataplane=False) as sandbox:
        pids.update(sandbox.processes())
        1 / 0  # noqa: B018
    assert not psutil.pid_exists(pids["gateway"])


def test_a_port_in_use_is_reported_with_the_log(tmp_path, gateway):
    taken = int(gateway.url.rsplit(":", 1)[1])
    with pytest.raises(StartError, match="Address already in use"):
        Sandbox(logs=tmp_path, port=taken, dataplane=False).start()


def test_the_users_own_aws_set_up_does_not_leak_in(gateway, monkeypatch):
    assert gateway.client("sts").get_caller_identity()["Account"] == "123456789012"
    environment = gateway.environment()
    assert environment["AWS_ENDPOINT_URL"] == gateway.url
    assert set(os.environ) & {"AWS_ENDPOINT_URL"} == set()


def _invoke_something(sandbox):
    import json

    from tests.sandbox.conftest import ACCOUNT, package

    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    sandbox.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    sandbox.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Code={"ZipFile": package(index="def handler(event, context): return 1")},
    )
    sandbox.client("lambda").invoke(FunctionName="f")
