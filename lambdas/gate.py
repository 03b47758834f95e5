"""Decide at the gate: is the challenger better than the champion on fresh rows, and worse nowhere that matters?"""

from typing import Any

from lambdas.aws import bucket, clock, jobs, ledger, run_record, runs
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, gate, gate_outcome
from slipway.comparison import Comparison
from slipway.retraining import legs
from slipway.retraining.run import Run, State, move, refuse, with_outputs


class NoComparison(Exception):
    """The comparing job ended without a comparison."""


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    state, now = event["state"], clock.now()
    known = runs.going(state["run_id"], event["execution"], State.TRAINING, now)
    if known.state is not State.TRAINING:
        return legs.decided(known, "register")
    folder = legs.folder(known)
    body = bucket.get(f"{folder}/{legs.COMPARISON}/comparison.json")
    if body is None:
        raise NoComparison(f"{folder}/{legs.COMPARISON}/comparison.json is not there; start a new run")
    seen = codec.loads(Comparison, body.decode())
    decided = gate.decide(seen, drift_since=legs.drift_since(known), earlier=judged_before(known))
    bucket.put(f"{folder}/gate.txt", gate_outcome.report(decided).encode())
    price = ledger.frame(known.trigger.endpoint).retraining
    trained, compared = (jobs.ran(kind, state[leg]["job"]) for kind, leg in legs.JUDGED_JOBS)
    known = with_outputs(known, artifact=state["trained"]["artifact"], gate=f"{folder}/gate.txt")
    known = move(known, State.COMPARING, trained.ended_at or now, cost=price.cost(trained.seconds))
    cost = price.cost(compared.seconds)
    if not decided.passed:
        return legs.decided(run_record.record(refuse(known, State.REFUSED, now, decided.reasons, cost)))
    says = "better than the champion with evidence"
    return legs.decided(runs.write(move(known, State.PROFILING, now, says=says, cost=cost)), "register")


def judged_before(known: Run) -> int:
    """Challengers that this holdout has judged already: each further one has a harder test to pass."""
    others = [run for run in runs.history(known.trigger.endpoint) if run.id != known.id]
    return sum(run.output("holdout", "") == known.output("holdout") and legs.judged(run) for run in others)
