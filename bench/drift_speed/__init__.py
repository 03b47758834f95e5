"""How fast traffic becomes a profile, beside other tools: `python -m bench.drift_speed [--quick]`."""
