from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import lineage
from slipway.lineage import ALIASES, PACKAGE_TAG, Call, Observed, Package, SeenRun, SeenVersion, Wanted, plan

METADATA = {"validation:auc": "0.9", "slipway:run": "bank-retrain-1", "slipway:holdout-log-loss": "0.41"}


def package(version: int, **change: Any) -> Package:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/bank/{version}"
    return Package(arn, version, f"s3://b/models/{version}/model.tar.gz", "Approved", 1e9 + version, METADATA, **change)


WANTED = Wanted("bank", (package(1), package(2)), champion=package(1).arn, candidate=package(2).arn)


class Mlflow:
    """MLflow's REST API as far as the calls need it, in memory."""

    def __init__(self) -> None:
        self.experiment: str | None = None
        self.model = False
        self.runs: dict[str, dict[str, Any]] = {}
        self.versions: dict[int, dict[str, Any]] = {}
        self.aliases: dict[str, int] = {}
        self.made = 0

    def observed(self) -> Observed:
        runs = tuple(SeenRun(id, r["status"], r["tags"], r["metrics"], r["at"]) for id, r in self.runs.items())
        versions = tuple(SeenVersion(v, d["run_id"], d["source"], d["tags"]) for v, d in self.versions.items())
        ours = tuple(run for run in runs if PACKAGE_TAG in run.tags)
        return Observed(
            self.experiment, self.model, ours, tuple(v for v in versions if PACKAGE_TAG in v.tags), dict(self.aliases)
        )

    def do(self, call: Call) -> None:
        body, self.made = dict(call.body), self.made + 1
        match call.path:
            case "experiments/create":
                self.experiment = "1"
            case "registered-models/create":
                self.model = True
            case "runs/create":
                run = {"status": "RUNNING", "tags": _tags(body["tags"]), "metrics": {}, "at": body["start_time"]}
                self.runs[f"run-{self.made}"] = run
            case "runs/log-batch":
                self.runs[body["run_id"]]["metrics"] |= {m["key"]: m["value"] for m in body["metrics"]}
                self.runs[body["run_id"]]["tags"] |= _tags(body["tags"])
            case "runs/update":
                self.runs[body["run_id"]]["status"] = body["status"]
            case "runs/delete":
                del self.runs[body["run_id"]]
            case "model-versions/create":
                made = {"run_id": body["run_id"], "source": body["source"], "tags": _tags(body["tags"])}
                self.versions[max(self.versions, default=0) + 1] = made
            case "model-versions/set-tag":
                self.versions[int(body["version"])]["tags"][body["key"]] = body["value"]
            case "model-versions/delete":
                del self.versions[int(body["version"])]
            case "registered-models/alias" if call.method == "POST":
                self.aliases[body["alias"]] = int(body["version"])
            case "registered-models/alias":
                self.aliases.pop(body["alias"], None)
            case _:
                raise AssertionError(call)


def _tags(pairs: list[Mapping[str, str]]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in pairs}


def settle(mlflow: Mlflow, wanted: Wanted) -> int:
    """Looks until nothing is left to do."""
    for look in range(6):
        calls = plan(wanted, mlflow.observed())
        if not calls:
            return look
        for call in calls:
            mlflow.do(call)
    raise AssertionError(f"still to do: {plan(wanted, mlflow.observed())}")


@pytest.fixture
def mlflow() -> Mlflow:
    made = Mlflow()
    settle(made, WANTED)
    return made


def test_from_nothing_each_package_gets_a_run_a_version_and_its_alias(mlflow: Mlflow) -> None:
    assert sorted(v["source"] for v in mlflow.versions.values()) == [p.artifact for p in WANTED.packages]
    by_package = {v["tags"][PACKAGE_TAG]: number for number, v in mlflow.versions.items()}
    assert mlflow.aliases == {"champion": by_package[WANTED.champion], "candidate": by_package[WANTED.candidate]}
    for run in mlflow.runs.values():
        assert run["status"] == "FINISHED"
        assert run["metrics"] == {"validation.auc": 0.9, "slipway.holdout-log-loss": 0.41}
        assert run["tags"]["slipway.run"] == "bank-retrain-1"


def test_in_step_there_is_nothing_to_do(mlflow: Mlflow) -> None:
    assert plan(WANTED, mlflow.observed()) == ()


def test_a_promotion_moves_champion_and_takes_candidate_away(mlflow: Mlflow) -> None:
    settle(mlflow, replace(WANTED, champion=package(2).arn, candidate=""))
    champion = mlflow.versions[mlflow.aliases["champion"]]
    assert champion["tags"][PACKAGE_TAG] == package(2).arn
    assert list(mlflow.aliases) == ["champion"]


def test_what_was_done_by_hand_is_repaired(mlflow: Mlflow) -> None:
    before = mlflow.observed()
    mlflow.aliases = {"champion": 2, "candidate": 1, "mine": 1}
    run = next(iter(mlflow.runs.values()))
    run["tags"]["slipway.status"], run["metrics"]["validation.auc"], run["status"] = "Great", 0.99, "RUNNING"
    mlflow.versions[1]["tags"]["slipway.status"] = "Great"
    settle(mlflow, WANTED)
    assert mlflow.aliases.pop("mine") == 1, "an alias of somebody else's stays"
    assert mlflow.observed() == before


def test_what_people_keep_without_our_tag_is_never_touched(mlflow: Mlflow) -> None:
    mlflow.runs["mine"] = {"status": "RUNNING", "tags": {}, "metrics": {}, "at": 0}
    mlflow.versions[9] = {"run_id": "mine", "source": "s3://mine", "tags": {}}
    assert plan(WANTED, mlflow.observed()) == ()


def test_a_call_made_twice_leaves_one_of_each(mlflow: Mlflow) -> None:
    before = mlflow.observed()
    for id, run in list(mlflow.runs.items()):
        mlflow.runs[f"run-z{id}"] = dict(run)
    mlflow.versions[3] = dict(mlflow.versions[1])
    settle(mlflow, WANTED)
    assert mlflow.observed() == before


def test_a_version_whose_package_is_gone_stays_and_says_so(mlflow: Mlflow) -> None:
    settle(mlflow, replace(WANTED, packages=(package(1),), candidate=""))
    statuses = {v["tags"][PACKAGE_TAG]: v["tags"]["slipway.status"] for v in mlflow.versions.values()}
    assert statuses == {package(1).arn: "Approved", package(2).arn: lineage.DELETED}


@given(st.data())
def test_wherever_it_was_interrupted_the_next_look_finishes_the_work(data: st.DataObject) -> None:
    mlflow = Mlflow()
    for _ in range(data.draw(st.integers(0, 4))):
        calls = plan(WANTED, mlflow.observed())
        for call in calls[: data.draw(st.integers(0, len(calls)))]:
            mlflow.do(call)
            if data.draw(st.booleans()) and "create" in call.path:
                mlflow.do(call)  # the answer was lost, and the call repeated
    settle(mlflow, WANTED)
    assert len(mlflow.runs) == len(mlflow.versions) == 2
    assert set(mlflow.aliases) == set(ALIASES)


def test_a_metric_is_a_finite_number_and_all_else_a_tag() -> None:
    odd = replace(package(1), metadata={"validation:auc": "nan", "note": "7 of 9", "slipway:xgboost-version": "3.2"})
    assert odd.metrics == {}
    assert odd.tags["slipway.xgboost-version"] == "3.2"
    assert odd.tags["validation.auc"] == "nan"


@pytest.mark.parametrize(
    ("statuses", "released", "candidate"),
    [
        ((), "", ""),
        (("Approved", lineage.WAITING), "", "2"),
        ((lineage.WAITING, "Approved"), "", ""),
        ((lineage.WAITING, "Rejected"), "", ""),
        (("Approved", lineage.WAITING), "1", "1"),
    ],
    ids=["none", "the newest waits", "a newer one was approved", "a newer one was rejected", "a release is under way"],
)
def test_what_may_serve_next_is_released_or_the_newest_and_waits(
    statuses: tuple[str, ...], released: str, candidate: str
) -> None:
    packages = [Package(str(n), n, "", status, 0.0) for n, status in enumerate(statuses, 1)]
    assert lineage.on_its_way(packages, released) == candidate
