"""Models that answer in time and without an error, and wrongly: no user meets them."""

from collections.abc import Iterator

import pytest

from sandbox.demo.world import PLAN
from slipway import names
from tests.stories import conftest
from tests.stories.site import Site

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def watched(site: Site) -> Iterator[None]:
    """The demo's plan, whose shadow is long enough for disagreement to show."""
    site.deploy(plan=PLAN)
    yield
    conftest.settle(site)
    site.deploy(plan=conftest.PLAN)


@pytest.mark.parametrize("kind", ["swapped", "worse"])
def test_a_model_that_has_little_to_do_with_the_champion_does_not_leave_its_shadow(site: Site, kind: str) -> None:
    release_id = site.started(site.approve(kind))
    release = site.reaches(release_id, "ROLLED_BACK")
    phases = [line["what"] for line in site.history(release_id) if line["what"] != "verdict"]
    assert phases == ["CREATED", "SHADOW", "ROLLING_BACK", "ROLLED_BACK"]
    decided = next(line for line in site.history(release_id) if line["what"] == "ROLLING_BACK")
    assert (decided["by"], decided["verdict"]["decision"]) == ("judge", "REGRESSION")
    assert "log-odds moved by" in release["reason"]
    assert site.served() == {names.BASELINE: release["baseline"]}
