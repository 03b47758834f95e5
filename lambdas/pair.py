"""Pair captured answers of both variants, and labels with them, as their objects arrive in the bucket."""

from typing import Any

from lambdas.aws import capture, clock, ledger, pairs, rows
from lambdas.aws.telemetry import logger, tracer
from slipway import pairing


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """EventBridge's `Object Created`; the same event again, or late, or in another order, adds nothing twice."""
    source = capture.source(event["detail"]["object"]["key"])
    if source:
        (answers if source.role else truths)(source)


def answers(source: capture.Source) -> None:
    release_id = ledger.in_progress(source.endpoint)
    if release_id is None:
        return
    known, lines, now = ledger.release(release_id), list(capture.lines(source)), clock.now()
    rate = rows.rate(known, len(lines), now)
    kept, account = pairing.keep(known, source.role, lines, rate=rate, key=source.key, written=source.at, now=now)
    rows.put(known.endpoint, kept)
    groups = rows.groups(known.endpoint, (row.id for row in kept))
    claims = [account, *pairing.pair_claims(groups, known.threshold), *pairing.label_claims(groups)]
    pairs.count(known.endpoint, [*claims, *pairing.report_claims(groups)], now)


def truths(source: capture.Source) -> None:
    now = clock.now()
    release_id = ledger.in_progress(source.endpoint)
    rate = rows.label_rate(source.endpoint, ledger.release(release_id) if release_id else None, now)
    if rate == 0:
        return
    seen = capture.truths(source)
    kept, account = pairing.truths(source.endpoint, seen, rate=rate, key=source.key, written=source.at)
    rows.put(source.endpoint, kept)
    groups = rows.groups(source.endpoint, (truth.id for truth in kept))
    pairs.count(source.endpoint, [account, *pairing.label_claims(groups), *pairing.report_claims(groups)], now)
