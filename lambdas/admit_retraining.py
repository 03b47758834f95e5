"""Admit a retraining: a trigger becomes a run, waits for its labels, or is refused with reasons people hear of."""

from dataclasses import asdict
from typing import Any

from lambdas.aws import bucket, clock, labelled, ledger, registry, run_record, runs, serving, verdicts
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger, tracer
from slipway.frame import Frame
from slipway.retraining import guard, legs, request
from slipway.retraining.run import Run, State, Trigger, begin, move, with_outputs


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`input` is the execution's: `{}` or `{"endpoint", "by", "reason"}` of a person, a schedule's, or a drift's."""
    given, execution = event["input"].get("given", event["input"]), event["execution"]
    try:
        frame = ledger.frame(request.endpoint(given, setting("ENDPOINTS").split(",")))
        asked = legs.trigger(given, frame, clock.moment(event["started"]))
    except request.BadRequest as error:
        run_record.misunderstood(str(error))
        return asdict(legs.Turn("refused", given, str(error)))
    again = "given" in event["input"]  # after a wait, of which people have been told
    known = mine(asked.endpoint, execution) or answer(asked, frame, execution, again)
    if isinstance(known, Run):
        _, manifest = registry.artifact(known.output("champion"))
        size = bucket.size(*legs.traffic(known))
        return asdict(legs.turn(known, frame, manifest, setting("BUCKET"), setting("SOURCES"), given, size))
    return asdict(legs.no_run(known, given, clock.now()))


def mine(endpoint: str, execution: str) -> Run | None:
    """The run that this execution has begun before; one that nobody drives any more ends here."""
    found = runs.under_way(endpoint)
    if found is None:
        return None
    if found[0].execution != execution and runs.abandoned(found[0]):
        run_record.record(move(found[0], State.FAILED, clock.now(), says="its execution ended without a word"))
    return found[0] if found[0].execution == execution else None


def answer(asked: Trigger, frame: Frame, execution: str, again: bool) -> Run | guard.Answer:
    now, settings, history = clock.now(), frame.retraining, runs.history(asked.endpoint)
    counted = labelled.count(asked.endpoint, legs.counts_from(asked, history), asked.until)
    if idle := legs.too_few(asked, counted, settings):
        return idle
    calm = verdicts.remedies(asked.endpoint, now - guard.CALM) if again else ()
    said = guard.admit(asked, counted or legs.unknown(settings), history, settings.guard, now, calm)
    if isinstance(said, guard.Admitted):
        serves, artifact = serving.champion(asked.endpoint)
        new = with_outputs(begin(said.run_id, asked, serves, execution, now), champion=artifact)
        if runs.create(new := move(new, State.ASSEMBLING, now)):
            run_record.tell(new)
            return new
        said = guard.Refused(("another trigger was faster",), duplicate_of=said.run_id)
    if not (again and isinstance(said, guard.Waiting)):
        run_record.answered(asked, said)
    return said
