"""Probe a variant: replay its package's golden rows past the weights, and see what it runs on."""

from typing import Any

from lambdas.aws import baselines, clock, history, replay
from lambdas.aws.telemetry import logger, tracer
from slipway import codec
from slipway.drift.findings import Probe
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, and at which variant and package version to `look`. An endpoint that changes is left alone."""
    monitor, look, now = codec.decode(Monitor, event["monitor"]), event["look"], clock.now()
    endpoint, variant, version = monitor.endpoint, look["variant"], look["version"]
    golden = [] if look["shadow"] else baselines.golden(endpoint, version)
    if not golden:
        return {"probed": False, "reason": "a shadow can't be asked" if look["shadow"] else "no golden rows"}
    try:
        before = replay.running(endpoint, variant, version)
        got = replay.ask(endpoint, variant, [row.csv for row in golden], now)
        if replay.running(endpoint, variant, version) != before:
            raise replay.Moving(f"{endpoint} was changed during the replay")
    except replay.Moving as moving:
        logger.info("not probed", reason=str(moving))
        return {"probed": False, "reason": str(moving)}
    found = {name: value for name, value in before.items() if name != "config"}
    recorded = replay.recorded(endpoint, version, found)
    expected = tuple(row.score for row in golden)
    probe = Probe(now, variant, expected, got, tuple(sorted(recorded.items())), tuple(sorted(found.items())))
    history.keep(endpoint, probe)
    return {"probed": True, "unanswered": sum(score is None for score in got)}
