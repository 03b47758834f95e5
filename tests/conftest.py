"""For all tests: examples are the same in every run, and how fast a machine is decides nothing."""

import os

import pytest
from hypothesis import settings

# Powertools reads this when a handler is imported, whichever test imports one first.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Slipway")

settings.register_profile("slipway", deadline=None, derandomize=True)
settings.load_profile("slipway")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few tests that take long come first, so that no worker is left alone with them."""
    items.sort(key=lambda item: item.path.stem not in ("test_join", "test_spark"))
