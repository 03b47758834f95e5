"""One turn of bringing an endpoint to what its release wants: observe, plan, note, call."""

from dataclasses import replace

from botocore.exceptions import ClientError

from lambdas.aws import ledger, serving
from lambdas.aws.telemetry import logger
from slipway import release, traffic
from slipway.phases import Phase

WAIT_SECONDS = 15


def reconcile(known: release.Release) -> tuple[release.Release, traffic.Wanted, traffic.Work]:
    """Does what is missing now, and answers with the release as noted, the wanted layout and the work that was left.

    A new endpoint config is noted as asked for before the call, so that a silent return to the old one is noticed; a
    refused call was no attempt, however often it is refused.
    Raises traffic.EndpointUnusable, traffic.UpdateRolledBack and serving.EndpointBusy.
    """
    observed = serving.observe(known.endpoint)
    frame = ledger.frame(known.endpoint, to_roll_back=known.phase is Phase.ROLLING_BACK)
    wanted = release.wanted(known, frame, observed)
    work = traffic.plan(wanted, serving.with_existing(observed, wanted), known.attempts)
    if work.asks_for_config:
        known = ledger.write(replace(known, attempts=known.attempts + 1))
    try:
        serving.execute(work.calls)
    except (serving.EndpointBusy, ClientError):
        if work.asks_for_config:
            ledger.write(replace(known, attempts=known.attempts - 1))
        raise
    if not work.in_place:
        logger.info("not in place yet", release_id=known.id, waiting=work.waiting)
    return known, wanted, work
