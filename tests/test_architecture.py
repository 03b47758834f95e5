"""The architecture as tests: who imports whom, how long a file may grow, and what no file may mention."""

import ast
import configparser
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HANDLERS = sorted(path.stem for path in (ROOT / "lambdas").glob("*.py") if path.stem != "__init__")
ROOMS = ("slipway", "lambdas", "monitoring", "infra")
MOST_LINES, MOST_HANDLER_LINES = 300, 60

# Whatever is only true of one machine: folders of its users and work places, and where it gets its packages from.
LOCKS = ("requirements.txt", "requirements/", "package-lock.json", "pyproject.toml", ".npmrc", "Makefile", ".ci/")
MACHINE = re.compile(rb"(?<![\w.$}*])/(?:work|root|home)/[\w.]")
DOWNLOADS = re.compile(rb"(?i)(index-url|find-links|registry)\s*[=\s]\s*\S*://|\"resolved\"\s*:")


def test_every_import_contract_is_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("contract", "key"), [("aws", "source_modules"), ("handlers", "modules")])
def test_every_handler_is_under_contract(contract: str, key: str) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    listed = config[f"importlinter:contract:{contract}"][key].split()
    assert sorted(listed) == [f"lambdas.{handler}" for handler in HANDLERS]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_is_short(handler: str) -> None:
    assert lines(ROOT / "lambdas" / f"{handler}.py") <= MOST_HANDLER_LINES


def test_no_file_of_the_product_is_long() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 50
    assert {str(path.relative_to(ROOT)): lines(path) for path in files if lines(path) > MOST_LINES} == {}


def functions_in_infra() -> set[str]:
    """First string argument of every `Function(...)` and `self._function(...)` in infra: the verb of a handler."""
    verbs = set()
    for path in (ROOT / "infra").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _called(node.func) in ("Function", "_function"):
                verbs |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return verbs


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def test_infra_deploys_every_handler_and_nothing_else() -> None:
    assert sorted(functions_in_infra()) == HANDLERS


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handlers_file_has_a_handler_that_logs_and_traces_and_flushes_what_it_measures(handler: str) -> None:
    text = (ROOT / "lambdas" / f"{handler}.py").read_text()
    tree = ast.parse(text)
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    decorators = [ast.unparse(node).rsplit(".", 1)[-1] for node in function.decorator_list]
    expected = ["capture_lambda_handler", "inject_lambda_context"]
    assert decorators == ([*expected, "log_metrics"] if "add_metric" in text else expected)


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git knows, and those it would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return tuple(path for name in names if (path := ROOT / name).is_file())


def mentions(pattern: re.Pattern[bytes], files: list[Path]) -> dict[str, bytes]:
    found = {path: pattern.search(path.read_bytes()) for path in files}
    return {str(path.relative_to(ROOT)): match.group() for path, match in found.items() if match}


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    assert mentions(MACHINE, list(tracked())) == {}


def test_no_file_says_where_a_machine_gets_its_packages_from() -> None:
    files = [path for path in tracked() if str(path.relative_to(ROOT)).startswith(LOCKS)]
    assert len(files) > 5
    assert mentions(DOWNLOADS, files) == {}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (b"see " + b"/work" + b"/main", MACHINE),
        (b'"' + b"/home" + b'/ana/x"', MACHINE),
        (b"--index-url https://packages.example", DOWNLOADS),
        (b"registry=https://packages.example", DOWNLOADS),
        (b'"resolved": "https://packages.example/x.tgz"', DOWNLOADS),
    ],
)
def test_what_must_not_be_mentioned_would_be_found(text: bytes, pattern: re.Pattern[bytes]) -> None:
    assert pattern.search(text)
