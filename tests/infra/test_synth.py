import json
import os
import subprocess
import sys
from pathlib import Path

from infra.images import ACCOUNTS, REPOSITORY
from tests.infra.synthesis import CONTEXT, MLFLOW, Template, of_type, synthesize

# The CDK repeats as DependsOn what a reference orders already.
REDUNDANT_DEPENDENCY = "W3005"


def run_app(context: dict, target: Path) -> subprocess.CompletedProcess[str]:
    """`python app.py` as the CDK CLI starts it, without credentials or a region."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**bare, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(target)}
    return subprocess.run([sys.executable, "app.py"], env=environment, capture_output=True, text=True, timeout=120)


def test_the_same_context_gives_the_same_templates(assembly: Path, tmp_path: Path) -> None:
    again = synthesize(tmp_path / "again", CONTEXT)
    first = {path.name: path.read_text() for path in assembly.glob("*.template.json")}
    assert {path.name: path.read_text() for path in again.glob("*.template.json")} == first
    assert sorted(first) == [f"slipway-{name}.template.json" for name in ("delivery", "monitoring", "serving", "state")]


def test_synth_looks_nothing_up(assembly: Path) -> None:
    assert "missing" not in json.loads((assembly / "manifest.json").read_text())


def test_cdk_nag_has_looked_and_every_acknowledgement_has_a_reason(assembly: Path) -> None:
    (report,) = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    assert (report["pluginName"], report["conclusion"], report["violations"]) == ("AwsSolutions", "success", [])
    assert all(len(accepted["reason"]) > 30 for accepted in report["suppressedViolations"])


def test_cfn_lint_finds_nothing(assembly: Path) -> None:
    templates = map(str, assembly.glob("*.template.json"))
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", REDUNDANT_DEPENDENCY, "--", *templates]
    linted = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_a_wrong_context_ends_synth_with_one_sentence(tmp_path: Path) -> None:
    ended = run_app({"endpoints": [{"name": "fraud", "instance_typ": "ml.m5.large"}]}, tmp_path)
    assert ended.returncode == 1
    assert "slipway: endpoints[0].instance_typ: unknown key; did you mean instance_type?" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_shipped_cdk_json_synthesizes_without_credentials(tmp_path: Path) -> None:
    shipped = json.loads(Path("cdk.json").read_text())
    assert shipped["app"] == "python app.py"
    ended = run_app(shipped["context"], tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert (tmp_path / "slipway-delivery.template.json").is_file()


def test_no_template_names_an_account_or_a_region_of_ours(templates: dict[str, Template]) -> None:
    text = json.dumps([template["Resources"] for template in templates.values()])
    assert "us-east-1" not in text
    for given in ("arn:aws:states:::", MLFLOW):  # the definitions' integrations, and what the settings say
        text = text.replace(given, "")
    assert "arn:aws:" not in text


def test_the_managed_image_is_the_one_of_the_region(templates: dict[str, Template]) -> None:
    mapping = templates["serving"]["Mappings"]["XGBoostRegistry"]
    assert {region: row["Account"] for region, row in mapping.items()} == ACCOUNTS
    assert all(len(account) == 12 and account.isdigit() for account in ACCOUNTS.values())
    images = {f["Endpoint"]: f["Image"] for f in of_type(templates["serving"], "Custom::SlipwayFrame")}
    assert images["fraud"]["Fn::Join"][1][-1] == f"/{REPOSITORY}:3.2-0"
    assert images["churn"] == CONTEXT["endpoints"][1]["image"]
