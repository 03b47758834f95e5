"""Follow up an execution that failed, timed out or was stopped: no job runs on, and people hear what failed."""

from typing import Any

from lambdas.aws import clock, executions, jobs, ledger, run_record, runs
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger, tracer
from slipway import names
from slipway.retraining import todo, tuning
from slipway.retraining.run import Run, State, refuse


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """EventBridge's `Step Functions Execution Status Change`; one that comes late finds the execution redriven."""
    detail = event["detail"]
    says = todo.why(detail)
    if not executions.ended(detail["executionArn"]):
        return
    known = driven_by(detail["executionArn"])
    if known is None:
        logger.info("no run of its own", execution=detail["executionArn"], why=says)
        return
    stopped = jobs.stop(f"{names.tuning_job(known.id)}-", [tuning.KIND]) + jobs.stop(f"{known.id}-")
    end = State.STOPPED if detail["status"] == "ABORTED" else State.FAILED
    reasons = (says, *(f"{job} was stopped with it" for job in stopped))
    run_record.record(refuse(known, end, clock.now(), reasons, unpaid(known)))


def unpaid(known: Run) -> float:
    """What the jobs of the legs that never ended cost, US$."""
    seconds = jobs.seconds(f"{known.id}-") + jobs.seconds(f"{names.tuning_job(known.id)}-", ["Training"])
    return max(0.0, ledger.frame(known.trigger.endpoint).retraining.cost(seconds) - known.cost)


def driven_by(execution: str) -> Run | None:
    """The run under way that belongs to an execution."""
    found = filter(None, map(runs.under_way, setting("ENDPOINTS").split(",")))
    return next((known for known, _ in found if known.execution == execution), None)
