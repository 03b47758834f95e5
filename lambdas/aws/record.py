"""A change of a release: into the ledger with its line of history, and then to people."""

from lambdas.aws import ledger, notify
from slipway import message
from slipway.release import Entry, Release


def record(changed: Release, line: Entry, tell: bool = True) -> Release:
    """The release as written. Raises ledger.StaleRelease, before anybody is told, if somebody was faster."""
    written = ledger.write(changed, line)
    if tell:
        notify.publish(message.subject(written, line), message.body(written, line))
    return written
