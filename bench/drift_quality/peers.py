"""Peers in an environment of their own, made on demand under build/peers from peers.txt."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from bench.drift_quality.counting import Rows

HERE = Path(__file__).parent
HOME = Path("build/peers/drift-quality")


def python() -> Path | None:
    """Its interpreter, or None if the environment can't be made (no network, say)."""
    found = HOME / "bin" / "python"
    if not (HOME / "ready").exists():
        venv.create(HOME, with_pip=True)
        install = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        done = subprocess.run([*install, str(HERE / "peers.txt")], capture_output=True, text=True)
        if done.returncode:
            print(f"peers left out, their environment can't be made: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        (HOME / "ready").touch()
    return found


def flags(reference: Rows, cases: Mapping[str, Sequence[Rows]]) -> dict[str, dict[str, list[bool]]]:
    """By case and peer, the windows flagged; cases: windows of equal size. Empty without peers."""
    interpreter = python()
    if interpreter is None:
        return {}
    windows = [window for case in cases.values() for window in case]
    with tempfile.TemporaryDirectory(prefix="slipway-peers-") as folder:
        for name, rows in (("reference", reference), *((f"{i:04}", window) for i, window in enumerate(windows))):
            np.savez(Path(folder) / f"{name}.npz", numbers=rows.numbers, levels=rows.levels)
        quiet = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
        command = [str(interpreter), str(HERE / "peer_rules.py"), folder]
        done = subprocess.run(command, capture_output=True, text=True, env=quiet)
    if done.returncode:
        print(f"peers left out: {done.stderr.strip()[-400:]}", file=sys.stderr)
        return {}
    by_rule = {rule: iter(seen) for rule, seen in json.loads(done.stdout.strip().splitlines()[-1]).items()}
    return {case: {rule: list(islice(seen, len(own))) for rule, seen in by_rule.items()} for case, own in cases.items()}
