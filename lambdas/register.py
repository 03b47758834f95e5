"""Register a challenger that passed the gate: a version in the registry that waits for approval, with its baseline."""

from dataclasses import replace
from typing import Any

from lambdas.aws import baselines, bucket, clock, jobs, ledger, registry, runs
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names
from slipway.comparison import Comparison
from slipway.frame import Frame
from slipway.retraining import legs, package
from slipway.retraining.run import Run, State, move


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The baseline lies where monitoring looks for it before anybody can hear of the version."""
    state, now = event["state"], clock.now()
    known = runs.going(state["run_id"], event["execution"], State.PROFILING, now)
    frame = ledger.frame(known.trigger.endpoint)
    if not known.package:
        arn = registry.create(request(known, frame))
        baselines.evaluated(known.trigger.endpoint, names.version(arn), legs.evaluated(known))
        says = baselines.publish(known.trigger.endpoint, names.version(arn), made(known), bound_to=known.id)
        job = jobs.ran("Processing", state["baselined"]["job"])
        moved = move(known, State.REGISTERING, now, says=says, cost=frame.retraining.cost(job.seconds))
        known = runs.write(replace(moved, package=arn))
    return {"package": known.package, "approval": frame.retraining.approval}


def made(known: Run) -> str:
    return f"{legs.folder(known)}/{legs.BASELINE}"


def request(known: Run, frame: Frame) -> dict[str, Any]:
    key, artifact = f"{legs.folder(known)}/{legs.COMPARISON}/comparison.json", known.output("artifact")
    sha256, manifest = registry.artifact(artifact)
    return package.request(
        known,
        image=frame.image,
        artifact=artifact,
        sha256=sha256,
        manifest=manifest,
        comparison=codec.loads(Comparison, (bucket.get(key) or b"null").decode()),
        compared=f"s3://{setting('BUCKET')}/{key}",
        baseline=f"s3://{setting('BUCKET')}/{made(known)}/",
    )
