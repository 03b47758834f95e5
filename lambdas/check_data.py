"""Check a run's data: what the assembling job found decides whether anything is trained on it."""

import json
from typing import Any

from lambdas.aws import bucket, clock, jobs, ledger, run_record, runs
from lambdas.aws.telemetry import logger, tracer
from slipway.retraining import legs
from slipway.retraining.run import State, move, refuse, with_outputs


class NoDataset(Exception):
    """The assembling job ended without a whole dataset."""


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    state, now = event["state"], clock.now()
    known, job = runs.going(state["run_id"], event["execution"], State.ASSEMBLING, now), state["assembled"]
    if known.state is not State.ASSEMBLING:
        return legs.decided(known, "train")
    body = bucket.get(f"{legs.folder(known)}/{legs.DATASET}/dataset.json")
    if job["status"] != "Completed" or body is None:
        raise NoDataset(f"processing job {job['job']} is {job['status']} and left no whole dataset; start a new run")
    dataset = json.loads(body)
    seconds = sum(jobs.ran("Processing", state[leg]["job"]).seconds for leg in legs.DATA_JOBS if leg in state)
    cost = ledger.frame(known.trigger.endpoint).retraining.cost(seconds)
    if not dataset["passed"]:
        failed = tuple(check["says"] for check in dataset["checks"] if not check["passed"])
        return legs.decided(run_record.record(refuse(known, State.REFUSED, now, failed, cost)))
    rows = ", ".join(f"{part['rows']} to {name}" for name, part in dataset["parts"].items())
    known = with_outputs(known, dataset=dataset["sha256"], holdout=dataset["parts"]["holdout"]["sha256"])
    ahead = State.TUNING if state.get("tuning") else State.TRAINING
    return legs.decided(runs.write(move(known, ahead, now, says=rows, cost=cost)), "train")
