"""Whether an approved model package may become a release, decided before anything is touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway import evidence, names, planning
from slipway.frame import Frame
from slipway.minutes import Minute
from slipway.release import Release
from slipway.traffic import Observed


class Refused(Exception):
    """The package can't be released; the message says why and what to do."""


@dataclass(frozen=True)
class Package:
    """A registered model version, as DescribeModelPackage shows it."""

    arn: str
    group: str
    version: int
    status: str
    image: str
    artifact: str  # s3 URI of model.tar.gz
    metadata: Mapping[str, str]
    changed_at: str


def release_id(package: Package) -> str:
    """One approval, one release: a repeated event finds the same id."""
    return names.release(package.group, package.version, package.changed_at)


def admit(
    package: Package,
    frame: Frame,
    observed: Observed,
    baseline: str,
    digest: str,
    manifest: Mapping[str, Any],
    past: Sequence[Minute] | None,
    execution: str,
    at: float,
) -> Release:
    """The release a package becomes. Raises Refused.

    digest: SHA-256 of the artifact as it lies in S3 now; manifest: the `manifest.json` inside it; past: the endpoint's
    minutes before it, None where nobody could say, which refuses nothing.
    """
    if package.status != "Approved":
        raise Refused(f"{package.arn} is {package.status}; only an Approved package is released")
    if package.image != frame.image:
        raise Refused(
            f"its container image is {package.image}, but endpoint {frame.endpoint} serves {frame.image}: "
            "register the model with that image, or change `image` in cdk.json and deploy"
        )
    _check_artifact(package, frame, digest, manifest)
    identifier = release_id(package)
    return Release(
        id=identifier,
        endpoint=frame.endpoint,
        package=package.arn,
        candidate=names.model(identifier),
        baseline=baseline,
        baseline_config=observed.config,
        instances=_strength(observed),
        plan=frame.plan,
        created_at=at,
        entered_at=at,
        probe=probe_row(manifest),
        threshold=threshold(manifest),
        execution=execution,
        evidence=evidence.begin(frame.plan, past or ()),
        outlook=planning.forecast(frame.plan, planning.recent(past)),
        reason=f"package version {package.version} was approved",
    )


def probe_row(manifest: Mapping[str, Any]) -> str:
    """A CSV row the model must be able to score: the least valid value of every feature, in order."""
    try:
        return ",".join(str(feature["min"]) for feature in manifest["features"])
    except (KeyError, TypeError) as error:
        raise Refused(f"its manifest.json lists no features with `name` and `min` ({error}); retrain it") from error


def threshold(manifest: Mapping[str, Any]) -> float:
    """The score from which on the model's users take an answer for a positive one; 0.5 unless the manifest says."""
    value = manifest.get("threshold", 0.5)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refused(f"its manifest.json has the threshold {value!r}, which is no probability; retrain it")
    return float(value)


def _check_artifact(package: Package, frame: Frame, digest: str, manifest: Mapping[str, Any]) -> None:
    registered = package.metadata.get(names.ARTIFACT_SHA256)
    if registered is None:
        raise Refused(f"its metadata lacks {names.ARTIFACT_SHA256}: register it with `python -m training.register`")
    if registered != digest:
        raise Refused(
            f"the artifact {package.artifact} has SHA-256 {digest[:12]}..., registered was {registered[:12]}...: "
            "it was changed after registration; register the model again"
        )
    trained = str(manifest.get("xgboost_version", ""))
    if frame.framework and not trained.startswith(f"{frame.framework}."):
        raise Refused(
            f"it was trained with XGBoost {trained or 'unknown'}, the endpoint serves {frame.framework}: another "
            "version can change scores without an error; train it with the serving version"
        )


def _strength(observed: Observed) -> int:
    baseline = observed.variant(names.BASELINE)
    if observed.status != "InService" or baseline is None:
        raise Refused(
            f"the endpoint is {observed.status} and has no baseline to compare with; bring it to InService first"
        )
    return max(1, baseline.desired_instances)
