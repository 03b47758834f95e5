"""A change of a release: into the ledger with its line of history, and then to people."""

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws import ledger, notify
from lambdas.aws.telemetry import logger
from slipway import message
from slipway.release import Entry, Release


def record(changed: Release, line: Entry, tell: bool = True) -> Release:
    """The release as written. Raises ledger.StaleRelease, before anybody is told, if somebody was faster.

    The change stands in the ledger, so a message that can't be sent does not keep a rollback waiting.
    """
    written = ledger.write(changed, line)
    if tell:
        try:
            notify.publish(message.subject(written, line), message.body(written, line))
        except (ClientError, BotoCoreError):
            logger.exception("people could not be told", release_id=written.id, what=line.what)
    return written
