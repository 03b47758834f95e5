"""Roll a release back: the candidate's weight to 0 at once, then verify until nothing of it is left in the traffic."""

from dataclasses import asdict, replace
from typing import Any

from lambdas.aws import clock, executions, ledger, notify
from lambdas.aws import metrics as cloudwatch
from lambdas.aws.reconcile import WAIT_SECONDS, reconcile
from lambdas.aws.record import record
from lambdas.aws.telemetry import logger, tracer
from slipway import alarm, loop, names, phases, release
from slipway.phases import Phase


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """Called by the promotion workflow (`release_id`), by a candidate's alarm, and by an operator's abort."""
    if "release_id" in event:
        known = follow(decide(event["release_id"], "workflow", alarm.failure(event)))
        return asdict(loop.turn(known, event, wait=WAIT_SECONDS))
    request = alarm.parse(event)
    release_id = request and (request.release_id or ledger.in_progress(request.endpoint))
    if request and release_id:
        executions.ensure(follow(decide(release_id, request.by, request.reason)))
    else:
        logger.info("nothing to roll back", detail=event.get("detail"))
    return None


def decide(release_id: str, by: str, reason: str) -> release.Release:
    """The decision, in the ledger before anything is touched; a release past deciding stays as it is."""
    known = ledger.release(release_id, to_roll_back=True)
    if Phase.ROLLING_BACK not in phases.MOVES[known.phase]:
        return known
    decided = release.roll_back(known, clock.now(), reason)
    try:
        return record(decided, release.entered(decided, by))
    except ledger.StaleRelease:  # the judge was faster; Lambda's own next try would come a minute later
        return decide(release_id, by, reason)


def follow(known: release.Release) -> release.Release:
    """One turn towards the verified end of a rollback."""
    if known.phase is not Phase.ROLLING_BACK:
        return known
    known, _, work = reconcile(known)
    if not work.in_place:
        return known
    now = clock.now()
    if known.zero_at is None:
        return ledger.write(replace(known, zero_at=now))
    if not cloudwatch.candidate_gone(known.endpoint, known.zero_at, now):
        return known
    done = release.rolled_back(known, now)
    done = record(done, release.entered(done, "roll_back"))
    notify.emit(names.ROLLED_BACK, {"release_id": done.id, "endpoint": done.endpoint, "reason": done.reason})
    return done
