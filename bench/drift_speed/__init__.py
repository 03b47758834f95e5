"""How fast traffic becomes a profile, beside Evidently, NannyML and whylogs: `python -m bench.drift_speed [--quick]`."""
