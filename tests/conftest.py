"""For all tests: examples are the same in every run, and how fast a machine is decides nothing."""

from hypothesis import settings

settings.register_profile("slipway", deadline=None, derandomize=True)
settings.load_profile("slipway")
