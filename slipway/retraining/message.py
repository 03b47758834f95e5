"""Notifications about retraining: outcome first in the subject, reasons, numbers, times and costs in the body."""

from slipway.retraining.guard import Answer, Refused, Waiting
from slipway.retraining.run import Run, State, Trigger

_SAYS = {
    State.ADMITTED: "RETRAINING",
    State.ASSEMBLING: "RETRAINING",
    State.AWAITING: "APPROVE?",
    State.APPROVED: "RETRAINED",
    State.REFUSED: "NOT BETTER",
    State.REJECTED: "REJECTED",
    State.FAILED: "RETRAINING FAILED",
    State.STOPPED: "RETRAINING STOPPED",
}


def subject(run: Run) -> str:
    says = _SAYS.get(run.state, run.state.value)
    if run.state is State.REFUSED and all(leg.state is not State.COMPARING for leg in run.legs):
        says = "DATA REFUSED"
    return f"{says}: {run.trigger.endpoint} run {run.id}"


def body(run: Run) -> str:
    """Plain text, readable on a phone. The champion serves on in every state."""
    rows = [*(run.reasons or (run.trigger.reason,)), ""]
    rows += [
        f"endpoint   {run.trigger.endpoint}",
        f"run        {run.id}",
        f"trigger    {run.trigger.kind}{' by ' + run.trigger.by if run.trigger.by else ''}: {run.trigger.reason}",
        f"champion   {run.champion}, which serves on",
    ]
    rows += [f"package    {run.package}"] if run.package else []
    rows += ["", *(f"  {line}" for line in legs(run)), f"  {'in all':12} US$ {run.cost:.2f}"]
    return "\n".join(rows)


def legs(run: Run) -> list[str]:
    """Each leg's minutes, cost and outcome."""
    return [
        f"{leg.state:12} {(leg.until - leg.since) / 60:6.1f} min  US$ {leg.cost:.2f}  {leg.says}".rstrip()
        for leg in run.legs
        if leg.until is not None
    ]


def answered(trigger: Trigger, answer: Answer) -> tuple[str, str] | None:
    """Subject and body for a trigger that begins no run now; None where there is nothing to tell."""
    if isinstance(answer, Refused) and not answer.duplicate_of:
        reasons = "\n".join(f"- {reason}" for reason in answer.reasons)
        return (
            f"NOT RETRAINING: {trigger.endpoint}",
            f"{reasons}\n\nTriggered by {trigger.kind}: {trigger.reason}\nThe champion serves on.\n",
        )
    if isinstance(answer, Waiting):
        return f"WAITING: {trigger.endpoint} retraining", f"{answer.reason}\n\nTriggered by {trigger.kind}.\n"
    return None
