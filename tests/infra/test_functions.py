import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from infra import function
from infra.checks import ConfigError
from slipway import names
from tests.infra.synthesis import Template, of_type, read

VERBS = {
    "admit": 60,
    "shift": 120,
    "judge": 60,
    "settle": 120,
    "roll_back": 300,
    "operate": 30,
    "frame": 300,
    "pair": 120,
    "profile": 120,
    "plan_windows": 120,
    "merge_window": 600,
    "label_window": 600,
    "probe": 60,
    "detect_drift": 300,
    "feedback": 60,
    "admit_retraining": 60,
    "check_data": 60,
    "choose_parameters": 60,
    "gate": 60,
    "register": 120,
    "ask_approval": 30,
    "answer": 30,
    "settle_approval": 60,
    "follow_retraining": 60,
    "keep_mlflow": 120,
}
COUNTING = {"profile", "merge_window", "label_window", "detect_drift"}
MEMORY = {"profile": 512, "merge_window": 1024, "label_window": 1024, "detect_drift": 1024}
BUCKET_ONLY = {*COUNTING, "plan_windows", "probe", "feedback"}


def functions(templates: dict[str, Template]) -> dict[str, dict]:
    found = [f for template in templates.values() for f in of_type(template, "AWS::Lambda::Function")]
    return {f["Handler"].split(".")[1]: f for f in found}


def test_there_are_these_functions_and_none_that_the_cdk_added(templates: dict[str, Template]) -> None:
    assert {verb: f["Timeout"] for verb, f in functions(templates).items()} == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_a_handler_is_a_function_in_the_repository(verb: str) -> None:
    tree = ast.parse((function.ROOT / "lambdas" / f"{verb}.py").read_text())
    assert "handler" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_is_named_traced_and_told_where_things_are(templates: dict[str, Template], verb: str) -> None:
    deployed = functions(templates)[verb]
    assert (deployed["FunctionName"], deployed["Handler"]) == (names.function(verb), f"lambdas.{verb}.handler")
    memory = MEMORY.get(verb, 256)
    assert (deployed["Runtime"], deployed["Architectures"], deployed["MemorySize"]) == ("python3.13", ["arm64"], memory)
    assert deployed["TracingConfig"] == {"Mode": "Active"}
    told = deployed["Environment"]["Variables"]
    assert (told["POWERTOOLS_SERVICE_NAME"], told["POWERTOOLS_METRICS_NAMESPACE"]) == (verb, "Slipway")
    assert ("BUCKET" if verb in BUCKET_ONLY else "LEDGER_TABLE") in told


def test_logs_are_kept_for_three_months(templates: dict[str, Template]) -> None:
    groups = [group for template in templates.values() for group in of_type(template, "AWS::Logs::LogGroup")]
    assert {group["RetentionInDays"] for group in groups} == {90}
    machines = {f"/aws/vendedlogs/states/{machine}" for machine in (names.PROMOTION, names.MONITOR, names.RETRAINING)}
    assert {group["LogGroupName"] for group in groups} == machines | {
        f"/aws/lambda/{names.function(verb)}" for verb in VERBS
    }


# What importing a handler loads of the repository, in a process of its own; what all of them need is there before.
LOADED = """
import importlib, json, os, sys
import aws_lambda_powertools, boto3
for verb in sys.argv[2:]:
    if not os.fork():
        importlib.import_module(f"lambdas.{verb}")
        files = {getattr(module, "__file__", None) or "" for module in [*sys.modules.values()]}
        os.write(1, (json.dumps([verb, *(file for file in files if file.startswith(sys.argv[1]))]) + "\\n").encode())
        os._exit(0)
    os.wait()
"""


def test_a_zip_holds_one_handler_and_what_it_imports(assembly: Path) -> None:
    zips = [path for path in assembly.glob("asset.*") if (path / "lambdas").is_dir()]
    handlers = [[p.stem for p in path.glob("lambdas/*.py") if p.stem != "__init__"] for path in zips]
    assert sorted(handlers) == [[verb] for verb in sorted(VERBS)]
    packed = {verb: path for (verb,), path in zip(handlers, zips, strict=True)}
    rooms = f"{function.ROOT}{os.sep}"
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    command = [sys.executable, "-c", LOADED, rooms, *VERBS]
    done = subprocess.run(command, cwd=function.ROOT, env=environment, capture_output=True, text=True, check=True)
    loaded = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(loaded) == len(VERBS)
    for verb, *files in loaded:
        own = {file.removeprefix(rooms) for file in files if "site-packages" not in file}
        inside = {str(file.relative_to(packed[verb])) for file in packed[verb].rglob("*") if file.is_file()}
        assert own <= inside
        engine = {"monitoring"} if verb in COUNTING else set()
        assert {room.name for room in packed[verb].iterdir()} == {"lambdas", "slipway"} | engine
        assert {Path(file).suffix for file in inside} == {".py"}
        # Imports inside of functions are packed and not loaded; there are few.
        assert len(inside - own) <= 5, sorted(inside - own)


def test_an_edit_changes_only_the_packages_that_hold_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, source = {}, function.ROOT
    for edited in ("nothing", "lambdas/judge.py", "slipway/names.py", "slipway/drift/concept.py"):
        root = tmp_path / edited.replace("/", "-")
        for room in ("lambdas", "slipway", "monitoring"):
            shutil.copytree(source / room, root / room)
        if edited != "nothing":
            with (root / edited).open("a") as file:
                file.write("# edited\n")
        monkeypatch.setattr(function, "ROOT", root)
        keys[edited] = packages(tmp_path / f"out-{root.name}")
    before = keys["nothing"]
    assert {verb for verb in VERBS if keys["lambdas/judge.py"][verb] != before[verb]} == {"judge"}
    assert {verb for verb in VERBS if keys["slipway/names.py"][verb] != before[verb]} == set(VERBS)
    assert {verb for verb in VERBS if keys["slipway/drift/concept.py"][verb] != before[verb]} == {"detect_drift"}


def packages(target: Path) -> dict[str, str]:
    app = cdk.App(analytics_reporting=False, outdir=str(target))
    stack = cdk.Stack(app, "slipway-all")
    for verb in VERBS:
        function.Function(stack, verb, timeout=1, environment={}, may=[])
    app.synth()
    return {verb: deployed["Code"]["S3Key"] for verb, deployed in functions(read(target)).items()}


def test_without_the_libraries_synth_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "LAYER", tmp_path)
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "out")), "slipway-all")
    with pytest.raises(ConfigError, match="run `make setup`"):
        function.Function(stack, "judge", timeout=1, environment={}, may=[])


def test_the_layer_holds_pure_python_only(assembly: Path) -> None:
    (layer,) = [path for path in assembly.glob("asset.*") if (path / "python").is_dir()]
    compiled = [name for _, _, files in os.walk(layer) for name in files if name.endswith((".so", ".pyd"))]
    assert compiled == []
