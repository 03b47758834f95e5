"""Choose the parameters to train the challenger with: those of the tuning job's best training job."""

from typing import Any

from lambdas.aws import clock, jobs, ledger, runs
from lambdas.aws.telemetry import logger, tracer
from slipway.retraining import legs, tuning
from slipway.retraining.run import State, move, with_outputs


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The workflow's state, with these parameters over the champion's. Raises tuning.NothingFound."""
    state, now = event["state"], clock.now()
    known = runs.going(state["run_id"], event["execution"], State.TUNING, now)
    if known.state is State.TUNING:
        job = state["tuned"]["job"]
        found = tuning.found(jobs.tuning(job))
        cost = ledger.frame(known.trigger.endpoint).retraining.cost(jobs.seconds(f"{job}-", ["Training"]))
        outputs = {legs.TUNING_JOB: job, legs.TUNED: tuning.text(found.parameters)}
        known = with_outputs(known, **outputs)
        known = runs.write(move(known, State.TRAINING, now, says=found.says, cost=cost))
    return {**state, "hyperparameters": legs.tuned(state["hyperparameters"], known)}
