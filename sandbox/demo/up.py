"""The sandbox as a server that stays up, and stories told against it from another terminal."""

import argparse
import json
import shutil
import time
from pathlib import Path

from rich.console import Console

from sandbox import clock, data
from sandbox.demo import report, run
from sandbox.demo.console import Stage
from sandbox.demo.stories import STORIES
from sandbox.demo.world import CANDIDATE, ENDPOINT, World
from sandbox.environment import Sandbox, StartError

FILE = "sandbox.json"
URLS = "url", "dataplane_url", "mlflow_url"


def serve(options: argparse.Namespace) -> int:
    """Stays until interrupted. Notifications are printed as they come."""
    speed, logs = options.speed or 1.0, options.out / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    with Stage() as stage, Sandbox(speed, logs=logs, port=options.port, mlflow=True) as sandbox:
        world = None
        try:
            if not options.bare:
                rows = data.fraud(csv=options.data, progress=stage.say)
                world = World(sandbox, rows, options.out, stage.say)
                run.set_up(world, stage, options.rate or 50.0)
                package = world.register(world.train("candidate", CANDIDATE))
                stage.title(f"registered {package}; it waits for your approval")
            _write(sandbox, options.out)
            _greet(sandbox, stage.console)
            _print_notifications(sandbox, stage.console)
        finally:
            (options.out / FILE).unlink(missing_ok=True)
            if world:
                world.stop()
    return 0


def story(name: str, out: Path) -> int:
    """Tells a story against the sandbox that `up` runs; the exit status is 0 if it ends as expected."""
    sandbox = _read(out)
    began = time.monotonic()
    with Stage() as stage, run.PeakMemory() as peak:
        world = World(sandbox, data.fraud(progress=stage.say), out / "story", stage.say)
        told = run.tell(world, stage, name, world.train("candidate", CANDIDATE))
        result = report.summary([told], time.monotonic() - began, peak.mib, sandbox.clock.speed)
    page = report.write(out / "story", result, run.notifications(sandbox))
    stage.summary([told], page)
    return 0 if told.outcome == STORIES[name].expected else 1


def _write(sandbox: Sandbox, out: Path) -> None:
    known = {"url": sandbox.url, "dataplane_url": sandbox.dataplane_url, "mlflow_url": sandbox.mlflow_url}
    known |= {"token": sandbox.token, "clock": sandbox.clock.to_env(), "logs": str(sandbox.logs)}
    file = out / FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps(known))


def _read(out: Path) -> Sandbox:
    try:
        known = json.loads((out / FILE).read_text())
    except FileNotFoundError:
        raise StartError(f"no sandbox is up ({out / FILE} does not exist): run `python -m sandbox up`") from None
    gateway, dataplane, mlflow = (int(known[key].rsplit(":", 1)[1]) for key in URLS)
    seen, logs = clock.from_text(known["clock"]), Path(known["logs"])
    return Sandbox.attached((gateway, dataplane, mlflow), known["token"], seen, logs)


def _greet(sandbox: Sandbox, console: Console) -> None:
    console.print("\nAnother terminal can now use any AWS client:\n", highlight=False)
    for name, value in sandbox.environment().items():
        if name.startswith("AWS_"):
            console.print(f"export {name}={value}", highlight=False)
    console.print(f"export MLFLOW_TRACKING_URI={sandbox.mlflow_url}", highlight=False)
    console.print(f"\naws sagemaker describe-endpoint --endpoint-name {ENDPOINT}", highlight=False)
    console.print("Ctrl-C stops everything. Notifications appear below.\n", highlight=False)


def _print_notifications(sandbox: Sandbox, console: Console) -> None:
    shown = 0
    while True:
        messages = run.notifications(sandbox)
        for message in messages[shown:]:
            console.print(f"[bold]{message.get('subject')}[/]\n{message.get('body')}\n", highlight=False)
        shown = len(messages)
        time.sleep(0.5)
