"""Register a challenger that passed the gate: a version in the registry that waits for approval."""

from dataclasses import replace
from typing import Any

from lambdas.aws import bucket, clock, ledger, registry, runs
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger, tracer
from slipway import codec
from slipway.comparison import Comparison
from slipway.retraining import legs, package
from slipway.retraining.run import State


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    known = runs.going(event["state"]["run_id"], event["execution"], State.REGISTERING, clock.now())
    frame = ledger.frame(known.trigger.endpoint)
    if not known.package:
        key, artifact = f"{legs.folder(known)}/{legs.COMPARISON}/comparison.json", known.output("artifact")
        sha256, manifest = registry.artifact(artifact)
        request = package.request(
            known,
            image=frame.image,
            artifact=artifact,
            sha256=sha256,
            manifest=manifest,
            comparison=codec.loads(Comparison, (bucket.get(key) or b"null").decode()),
            compared=f"s3://{setting('BUCKET')}/{key}",
        )
        known = runs.write(replace(known, package=registry.create(request)))
    return {"package": known.package, "approval": frame.retraining.approval}
