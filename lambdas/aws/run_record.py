"""A change of a run: into the ledger, then to people, and to machines when it has ended."""

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws import notify, runs
from lambdas.aws.telemetry import logger
from slipway import names
from slipway.retraining import guard, message, todo
from slipway.retraining.run import Run, Trigger


def record(changed: Run, token: str = "") -> Run:
    """The run as written. Raises runs.StaleRun, before anybody is told, if somebody was faster."""
    written = runs.write(changed, token)
    tell(written)
    if written.ended:
        notify.emit(names.RETRAINING_ENDED, todo.detail(written))
    return written


def tell(known: Run) -> None:
    """The change stands in the ledger, so a message that can't be sent does not fail the run."""
    _publish(message.subject(known), "\n".join([message.body(known), "", *todo.lines(known)]))


def answered(trigger: Trigger, answer: guard.Answer) -> None:
    """A trigger that begins no run now: people are told, and machines if it never will."""
    if isinstance(answer, guard.Refused):
        refuse(trigger.endpoint, trigger.kind, answer.reasons)
    if told := message.answered(trigger, answer):
        _publish(*told)


def misunderstood(reason: str) -> None:
    """An input that names nothing we know."""
    refuse("", "", (reason,))
    _publish("NOT RETRAINING: the input can't be used", f"{reason}\n")


def refuse(endpoint: str, trigger: str, reasons: tuple[str, ...]) -> None:
    notify.emit(names.RETRAINING_REFUSED, {"endpoint": endpoint, "trigger": trigger, "reasons": list(reasons)})


def _publish(subject: str, body: str) -> None:
    try:
        notify.publish(subject, body)
    except (ClientError, BotoCoreError):
        logger.exception("people could not be told", subject=subject)
