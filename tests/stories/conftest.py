"""One sandbox with Slipway in it for all stories; every story leaves the endpoint settled."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import data
from sandbox.demo.world import CANDIDATE, World
from sandbox.environment import Sandbox
from slipway import names
from tests.stories import drifting
from tests.stories.account import account
from tests.stories.retrained import Past
from tests.stories.site import Site, until

SPEED = 60.0  # a virtual minute is a second
RATE = 250.0  # users' requests a real second
# Short waits, too short for labels; how sure the judge must be is the default.
PLAN = {
    "name": "short",
    "soak_seconds": 30,
    "guardrails": [{"metric": "quality", "required": False}],
    "steps": [
        {"phase": "SHADOW", "minutes": 2, "requests": 200},
        {"phase": "CANARY", "weight": 25, "minutes": 2, "requests": 100},
        {"phase": "BAKE", "weight": 100, "minutes": 2, "requests": 200},
    ],
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tear-down comes last, whatever the files are called."""
    items.sort(key=lambda item: item.path.name == "test_teardown.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    site = getattr(item, "funcargs", {}).get("site")
    if report.failed and site is not None:
        report.sections.append(("what the sandbox says", account(site)))
    return report


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Slipway with a champion and users, and a candidate's artifact, all made with the tools people use."""
    out: Path = tmp_path_factory.mktemp("stories")
    with Sandbox(SPEED, logs=out / "logs", mlflow=True) as sandbox:
        world = World(sandbox, data.fraud(), out, lambda _: None, PLAN)
        try:
            world.deploy_frame()
            champion = world.deploy_champion()
            world.start_users(RATE)
            yield Site(world, champion, world.train("candidate", CANDIDATE))
        finally:
            world.stop()


@pytest.fixture(scope="module", autouse=True)
def leave_files_settled(site: Site) -> Iterator[None]:
    yield
    settle(site)


@pytest.fixture(autouse=True)
def leave_tests_settled(site: Site) -> Iterator[None]:
    yield
    settle(site)


def settle(site: Site) -> None:
    """Ends what a story left unfinished: faults, and the releases in progress and in the queue."""
    site.switch()
    site.world.inject(names.CANDIDATE, {})
    while release_id := site.in_progress():
        if site.release(release_id)["phase"] not in ("ROLLING_BACK", "SETTLING"):
            site.operate("abort", "the story is over")
        until(lambda: site.in_progress() != release_id, f"{release_id} has ended")


@pytest.fixture(scope="module")
def past(site: Site) -> Any:
    drifting.forget(site)
    written = Past(site, data.fraud())
    yield written
    written.forget()
