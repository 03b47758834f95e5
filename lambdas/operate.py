"""An operator's hand on a release: pause, resume, advance, abort. Every act is a line of its history."""

from typing import Any

from lambdas.aws import clock, ledger, notify
from lambdas.aws.record import record
from lambdas.aws.telemetry import logger, tracer
from slipway import names, release


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"release_id" or "endpoint", "act": pause|resume|advance|abort, "by": who, "reason": why}`."""
    request = release.request(event)
    release_id = request.release_id or ledger.in_progress(request.endpoint)
    if release_id is None:
        raise ledger.NotFound(f"endpoint {request.endpoint} has no release in progress")
    written = act(release_id, request)
    if request.act == "abort":
        detail = {"release_id": written.id, "by": request.by, "reason": request.reason}
        notify.emit(names.ABORT_REQUESTED, detail)
    return {"release_id": written.id, "phase": written.phase, "act": request.act, "version": written.version}


def act(release_id: str, request: release.Request) -> release.Release:
    """The act, in the ledger. Raises StaleRelease where the judge has just advanced a release that was to advance."""
    known = ledger.release(release_id, to_roll_back=request.act == "abort")
    acted = release.operate(known, request.act, clock.now(), request.reason)
    try:
        return record(acted, release.entry(acted, request.act, request.by, clock.now(), request.reason))
    except ledger.StaleRelease:  # a look of the judge was faster; nobody should have to press a brake twice
        if request.act == "advance" and ledger.release(release_id).step != known.step:
            raise
        return act(release_id, request)
