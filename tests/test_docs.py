"""What the documents say about the code is so: links, commands, settings, runbooks, payloads."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import config
from sandbox.demo.drifts import DRIFTS
from sandbox.demo.stories import LOOP, LOOPS, STORIES
from slipway import names, outcomes, plan, release
from slipway.retraining.tuning import PARAMETERS, Tuning

ROOT = Path(__file__).parents[1]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = [path for room in ("slipway", "lambdas", "infra", "training", "sandbox") for path in (ROOT / room).rglob("*")]
SETTINGS = (ROOT / "docs/configuration.md").read_text()
SECTIONS = {
    "## App": config.Config,
    "## Endpoint": config.Endpoint,
    "### `alarms`": config.Thresholds,
    "### `drift`": config.Drift,
    "### `retraining`": config.Retraining,
    "### `tuning`": Tuning,
    "### Plan": plan.Plan,
    "### Step": plan.Step,
    "### Guardrail": plan.Guardrail,
    "### Outcome": outcomes.OutcomeRule,
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)


def fenced(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(heading: str, column: int) -> dict[str, str]:
    """Key -> that column of the first table below a heading of configuration.md."""
    below = SETTINGS.split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"\|---.*\n((?:\|.*\n)+)", below)
    assert rows
    cells = [[cell.strip().strip("`") for cell in row.strip("|").split(" | ")] for row in rows[1].splitlines()]
    return {row[0]: row[column] for row in cells}


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(path)):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: {name_of(target)} has no such heading"


def test_every_document_that_the_code_names_exists() -> None:
    texts = [path.read_text() for path in CODE if path.suffix in (".py", ".json")]
    named = {match for text in texts for match in re.findall(r"docs/[\w./{}-]*[\w/]", text)}
    assert "docs/runbooks/{signal}.md" in named, "the alarms name their runbooks"
    for document in named:
        for signal in names.SIGNALS:
            assert (ROOT / document.format(signal=signal)).exists(), f"{document} is named in the code"


def test_every_runbook_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [p.name for p in (ROOT / "docs/runbooks").glob("*.md") if f"({name_of(p)})" not in readme] == []


def test_every_decision_is_short_numbered_and_reached_from_the_readme() -> None:
    readme, decisions = (ROOT / "README.md").read_text(), sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        lines = path.read_text().splitlines()
        assert len(lines) <= 30, f"{path.name} has {len(lines)} lines"
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Choice", "## Price"]
        assert f"({name_of(path)})" in readme


def test_every_make_command_in_the_documents_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    for path in DOCS:
        commands = re.findall(r"(?:`|\$ )make ([a-z]+)", path.read_text())
        assert set(commands) <= targets, f"{name_of(path)} names a command that does not exist"


def test_every_story_and_module_in_the_documents_exists() -> None:
    for path in DOCS:
        text = path.read_text()
        assert set(re.findall(r"STORY=([a-z-]+)", text)) <= {*STORIES, *DRIFTS, LOOP, *LOOPS}
        for module in re.findall(r"python -m ((?:sandbox|training|bench)[\w.]*)", text):
            file = ROOT / module.replace(".", "/")
            assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), f"python -m {module}"


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_documented_settings_are_those_of_the_code_with_their_defaults(heading: str) -> None:
    fields, documented = dataclasses.fields(SECTIONS[heading]), table(heading, 2)
    assert list(documented) == [field.name for field in fields]
    for field in fields:
        default = documented[field.name]
        if field.name in ("guardrails", "outcomes") or field.default_factory is not dataclasses.MISSING:
            assert default == "see below"
        elif field.default is dataclasses.MISSING:
            assert default.startswith("required")
        else:
            value = json.loads(field.default) if field.name == "plan" else field.default
            assert parsed(default) == value, f"{field.name} is {field.default!r} unless told otherwise"


def test_what_may_be_tuned_is_documented_with_its_usual_range() -> None:
    documented = table("#### `ranges`", 4)
    assert {name: parsed(usual) for name, usual in documented.items()} == {
        name: list(known.usual) if known.usual else "-" for name, known in PARAMETERS.items()
    }


def test_the_built_in_plans_are_documented() -> None:
    assert list(table("## Plans", 1)) == list(plan.BUILTIN)


def test_the_examples_of_settings_are_accepted() -> None:
    examples = [json.loads(block) for block in fenced(ROOT / "docs/configuration.md", "json")]
    assert len(examples) == 4
    for example in examples:
        if "endpoints" in example:
            assert config.parse(example).endpoint_names == ["fraud"]
        else:
            assert plan.parse(example).name == example["name"]


def test_the_examples_of_acts_are_accepted_and_name_all_of_them() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    asked = [release.request(json.loads(payload)) for payload in re.findall(r"echo '([^']*)' \|", text)]
    assert [request.act for request in asked] == list(release.OPERATOR_ACTS)


def test_the_functions_alarms_and_tables_of_the_documents_exist() -> None:
    functions = {names.function(p.stem) for p in (ROOT / "lambdas").glob("*.py") if p.stem != "__init__"}
    alarms = {names.alarm("fraud", role, signal) for role in names.ROLES for signal in (None, *names.SIGNALS)}
    alarms |= {names.drift_alarm("fraud", detector) for detector in names.DETECTORS}
    for path in DOCS:
        text = path.read_text()
        assert set(re.findall(r"--function-name ([\w-]+)", text)) <= functions
        assert set(re.findall(r"--alarm-name ([\w-]+)", text)) <= alarms
        assert set(re.findall(r"--table-name ([\w-]+)", text)) <= {names.LEDGER_TABLE}
        assert set(re.findall(r"stateMachine:([\w-]+)", text)) <= {names.PROMOTION, names.MONITOR, names.RETRAINING}
