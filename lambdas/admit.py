"""Admit an approved model package as a release, or take an interrupted release up again."""

from dataclasses import asdict, replace
from typing import Any

from lambdas.aws import clock, executions, ledger, metrics, notify, registry, serving
from lambdas.aws.telemetry import logger, tracer
from slipway import admission, evidence, loop, message, release

TURN_SECONDS = 120


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`input` is the execution's: a `model_package_arn` to release, or a `release_id` to take up again."""
    state, execution = event["input"], event["execution"]
    if not state.get("model_package_arn"):
        return asdict(resume(ledger.release(state["release_id"]), state, execution))
    arn = state["model_package_arn"]
    try:
        return asdict(begin(arn, state, execution))
    except admission.Refused as refusal:
        notify.publish(*message.refused(arn.split("/")[-2], arn, str(refusal)))
        return asdict(loop.Turn("", "REFUSED", "refused", 0, 0, str(refusal)))


def begin(arn: str, state: dict[str, Any], execution: str) -> loop.Turn:
    package = registry.describe(arn)
    if known := ledger.find(admission.release_id(package)):
        return resume(known, state, execution)
    if other := ledger.in_progress(package.group):
        return queue(package, state, f"waits for release {other} to end")
    new = admit(package, execution)
    line = release.entry(new, "CREATED", f"approval of {arn}", clock.now(), new.reason)
    created = ledger.create(new, line)
    return loop.turn(new, state) if created else queue(package, state, "another release was faster")


def admit(package: admission.Package, execution: str) -> release.Release:
    frame = ledger.frame(package.group)
    observed = serving.observe(frame.endpoint)
    digest, manifest = registry.artifact(package.artifact)
    baseline = serving.baseline_model(observed.config)
    past = metrics.past(frame.endpoint, *evidence.past(clock.now()))
    return admission.admit(package, frame, observed, baseline, digest, manifest, execution, clock.now(), past)


def queue(package: admission.Package, state: dict[str, Any], reason: str) -> loop.Turn:
    """One release at a time and endpoint: the others' executions wait here."""
    return loop.queued(package.arn, state, TURN_SECONDS, reason)


def resume(known: release.Release, state: dict[str, Any], execution: str) -> loop.Turn:
    """One execution drives a release; another one takes over only when the first has ended or handed over."""
    mine = known.execution == execution
    if known.ended or not (mine or state.get("hands_over") == known.execution or executions.ended(known.execution)):
        return loop.Turn(known.id, known.phase.value, "duplicate", 0, 0, f"{known.execution} drives this release")
    taken = known if mine else ledger.write(replace(known, execution=execution))
    return loop.turn(taken, state, "shift")
