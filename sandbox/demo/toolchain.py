"""The unmodified CDK command line, against the sandbox."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"

Say = Callable[[str], None]


class ToolchainFailed(RuntimeError):
    """A cdk command failed; the message ends with its last lines."""


class Cdk:
    """Runs `cdk` with an environment that points at the sandbox; `logs` keeps what it prints."""

    def __init__(self, environment: Mapping[str, str], output: Path) -> None:
        self._output = output
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CI": "true",
        }
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._environment = {**foreign, **own, **environment}

    def bootstrap(self, account: str, region: str, say: Say) -> None:
        self.run("bootstrap", f"aws://{account}/{region}", say=say)

    def deploy(self, endpoints: list[dict[str, Any]], say: Say, *stacks: str) -> None:
        """`cdk deploy` of the named stacks, all of them by default, with these endpoints as context."""
        chosen = stacks or ("--all",)
        context = ("-c", f"endpoints={json.dumps(endpoints)}")
        self.run("deploy", *chosen, "--require-approval", "never", "--progress", "events", *context, say=say)

    def run(self, command: str, *arguments: str, say: Say = lambda _: None) -> str:
        """Runs one command, says each line that tells of a resource, and returns what was printed."""
        self._output.mkdir(parents=True, exist_ok=True)
        line = [str(CDK), command, *arguments, "--output", str(self._output / "cdk.out"), "--no-notices", "--no-color"]
        process = subprocess.Popen(
            line, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        printed = []
        assert process.stdout is not None
        try:
            for text in process.stdout:
                printed.append(text)
                if "_COMPLETE" in text or text.startswith(" ✅"):
                    say(text.strip())
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        (self._output / f"cdk-{command}.log").write_text("".join(printed))
        if process.returncode:
            raise ToolchainFailed(f"cdk {command} failed:\n{''.join(printed[-25:])}")
        return "".join(printed)
