"""For all tests: examples are the same in every run, and how fast a machine is decides nothing."""

import os

from hypothesis import settings

# Powertools reads this when a handler is imported, whichever test imports one first.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Slipway")

settings.register_profile("slipway", deadline=None, derandomize=True)
settings.load_profile("slipway")
