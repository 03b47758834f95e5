"""Settle a release: the candidate becomes the baseline, and what releases left behind long ago is cleared away."""

from dataclasses import asdict
from typing import Any

from lambdas.aws import clock, ledger, notify, serving
from lambdas.aws.reconcile import WAIT_SECONDS, reconcile
from lambdas.aws.record import record
from lambdas.aws.telemetry import logger, tracer
from slipway import loop, names, phases, release


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    known = ledger.release(event["release_id"])
    if known.phase is not phases.Phase.SETTLING:
        return asdict(loop.turn(known, event))
    known, wanted, work = reconcile(known)
    if not work.in_place:
        return asdict(loop.turn(known, event, wait=WAIT_SECONDS))
    serving.probe(known.endpoint, [names.BASELINE], known.probe)
    done = release.promoted(known, clock.now(), known.reason)
    written = record(done, release.entered(done, "settle"))
    notify.emit(names.PROMOTED, {"release_id": written.id, "endpoint": written.endpoint, "package": written.package})
    # Last, so that a failure here can't take the promotion back: the next release clears away what this one left.
    serving.clear_away(known.endpoint, clock.now() - wanted.frame.keep_old_config_days * 86400, keep=known)
    return asdict(loop.turn(written, event))
