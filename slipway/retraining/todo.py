"""What people can do about a run, ready to be pasted; and why one ended, from the event of its end."""

import json
from collections.abc import Mapping
from typing import Any

from slipway import names
from slipway.retraining.run import Run, State


def lines(run: Run) -> list[str]:
    if run.state is State.AWAITING:
        return ["To approve it:", _answer(run, "approve"), "To reject it:", _answer(run, "reject")]
    if run.state is State.FAILED:
        redrive = f"aws stepfunctions redrive-execution --execution-arn {run.execution}"
        return ["To go on with what failed, once it is repaired:", redrive]
    if run.state is State.APPROVED:
        return ["The approval starts the release; what happens there is told as it happens."]
    if not run.ended:
        return ["To stop it:", f"aws stepfunctions stop-execution --execution-arn {run.execution} --cause why"]
    return ["The champion serves on."]


def _answer(run: Run, answer: str) -> str:
    payload = json.dumps({"run_id": run.id, "answer": answer, "by": "you", "reason": "why"})
    invoke = f"aws lambda invoke --function-name {names.function('answer')}"
    return f"echo '{payload}' | {invoke} --payload fileb:///dev/stdin /dev/stdout"


def detail(run: Run) -> dict[str, object]:
    """Of the event that says how a run ended."""
    told: dict[str, object] = {"run_id": run.id, "endpoint": run.trigger.endpoint, "outcome": run.state.value}
    return told | {"reasons": list(run.reasons), "package": run.package, "cost": round(run.cost, 4)}


def why(detail: Mapping[str, Any]) -> str:
    """From the detail of a `Step Functions Execution Status Change`: a job's own reason where a job failed."""
    if detail["status"] != "FAILED":
        what = {"ABORTED": "stopped by hand", "TIMED_OUT": "timed out"}.get(detail["status"], detail["status"])
        return f"{what}: {detail.get('cause') or 'no reason given'}"
    error, cause = detail.get("error") or "unknown error", detail.get("cause") or "no cause given"
    try:
        told = json.loads(cause)
    except ValueError:
        return f"{error}: {cause[:500]}"
    return f"{error}: {_of_job(told) if isinstance(told, dict) else cause[:500]}"


def _of_job(told: Mapping[str, Any]) -> str:
    """The failed job's name and reason; a function's exception by its message."""
    for kind, says in (("HyperParameterTuning", "tuning"), ("Training", "training"), ("Processing", "processing")):
        if name := told.get(f"{kind}JobName"):
            return f"{says} job {name}: {told.get('FailureReason', 'no reason given')[-700:]}"
    return str(told.get("errorMessage", told))[:500]
