"""Physical names where processes meet. Nothing else in Slipway spells one out.

Endpoint names come from the user's `cdk.json`; everything below is derived from them. SageMaker allows letters,
digits and hyphens in its names, so a release id (`fraud.7.3fa2c1`) uses dots: it can't be taken for one of them.
"""

import hashlib
import re

PREFIX = "slipway"
LEDGER_TABLE = f"{PREFIX}-ledger"
TOPIC = f"{PREFIX}-releases"
PROMOTION = f"{PREFIX}-promotion"
MONITOR = f"{PREFIX}-monitoring"
RETRAINING = f"{PREFIX}-retraining"
LABELLING = f"{PREFIX}-labelling"
COMPARING = f"{PREFIX}-comparing"
METRICS = "Slipway"
EVENT_SOURCE = PREFIX
ABORT_REQUESTED = "Release Abort Requested"
PROMOTED = "Release Promoted"
ROLLED_BACK = "Release Rolled Back"
DRIFT_DETECTED = "Drift Detected"
DRIFT_ENDED = "Drift Ended"
RETRAINING_REFUSED = "Retraining Refused"
RETRAINING_ENDED = "Retraining Ended"

BASELINE = "baseline"
CANDIDATE = "candidate"
ROLES = (BASELINE, CANDIDATE)

# What an alarm watches; the part of its name after the role.
ERROR_RATE = "5xx-rate"
MODEL_ERRORS = "model-errors"
LATENCY = "latency-p90"
SIGNALS = (ERROR_RATE, MODEL_ERRORS, LATENCY)

# Metrics of drift: 1 while a detector says so, of dimensions EndpointName, VariantName and Detector; the effect on a
# feature of dimension Feature; the share of a window's rows that have their label; windows looked at.
DRIFT = "Drift"
DRIFT_EFFECT = "DriftEffect"
LABEL_COVERAGE = "LabelCoverage"
WINDOWS = "WindowsJudged"
DETECTORS = ("feature", "concept", "label", "infrastructure", "eval")

# Prefixes in the one bucket.
MODELS = "models"
CAPTURE = "capture"
GROUND_TRUTH = "ground-truth"
MONITORING = "monitoring"
JOBS = "jobs"  # what a job is given besides traffic and labels, by the job's stem
RETRAINED = "retraining"  # of each run: data, checkpoints, comparison
DATA = "data"
CODE = "code"

# Customer metadata on a model package: what admission checks before a release exists.
ARTIFACT_SHA256 = "slipway:artifact-sha256"
XGBOOST_VERSION = "slipway:xgboost-version"

# The tag in MLflow on what follows the registry: the package's ARN.
PACKAGE_TAG = "slipway.package"

# Tags on everything a release makes, so that tear-down finds it.
ENDPOINT_TAG = "slipway:endpoint"
RELEASE_TAG = "slipway:release"
RUN_TAG = "slipway:run"


def function(verb: str) -> str:
    """The Lambda function of `lambdas/{verb}.py`: `roll_back` -> `slipway-roll-back`."""
    return f"{PREFIX}-{verb.replace('_', '-')}"


def alarm(endpoint: str, role: str, signal: str | None = None) -> str:
    """One signal's alarm, or without a signal the role's composite."""
    return "-".join([PREFIX, endpoint, role, *([signal] if signal else [])])


def release(endpoint: str, package_version: int, approval: str) -> str:
    """The id of the release that one approval of one package starts; the same approval gives the same id.

    `approval` is whatever tells two approvals of a package apart (its last-modified time).
    """
    return f"{endpoint}.{package_version}.{hashlib.sha256(approval.encode()).hexdigest()[:6]}"


def retraining(endpoint: str, asked: str) -> str:
    """The id of the retraining run that a trigger asks for; `asked` is its cause and window.

    Its jobs are named after it, and SageMaker allows them 63 characters: 8 are left for `-train-2`.
    """
    return f"{endpoint}-retrain-{hashlib.sha256(asked.encode()).hexdigest()[:6]}"


def tuning_stem(endpoint: str) -> str:
    """Begins the names of an endpoint's tuning jobs and, with a number and a hash more, of their training jobs.

    SageMaker allows a tuning job 32 characters: 8 are left for a run and 3 for `-12`, the redrive, so that a long
    endpoint is told by its beginning and a hash.
    """
    short = endpoint if len(endpoint) <= 16 else f"{endpoint[:9]}-{hashlib.sha256(endpoint.encode()).hexdigest()[:6]}"
    return f"{short}-tune"


def tuning_job(run_id: str) -> str:
    """The tuning job of a run, without the count of redrives: `fraud-tune-3fa2c1`."""
    endpoint, _, run = run_id.rpartition("-retrain-")
    return f"{tuning_stem(endpoint)}-{run}"


def retrained_endpoint(run_id: str) -> str:
    return run_id.rpartition("-retrain-")[0]


def endpoint_of(release_id: str) -> str:
    return release_id.split(".", 1)[0]


def model(release_id: str) -> str:
    """The SageMaker model that serves a release's candidate."""
    return release_id.replace(".", "-")


LAYOUTS = ("shadow", "canary", "settled", "restored")


def made_by_release(endpoint: str, name: str) -> bool:
    """Whether a model or endpoint config bears a name that a release of this endpoint gave it."""
    return re.fullmatch(rf"{re.escape(endpoint)}-\d+-[0-9a-f]{{6}}(-({'|'.join(LAYOUTS)}))?", name) is not None


def endpoint_config(release_id: str, layout: str) -> str:
    """The endpoint config for one layout (`shadow`, `canary`, `settled`) of a release."""
    return f"{release_id.replace('.', '-')}-{layout}"


FIRST = "first"  # stands for the version of a model that no release brought


def package_version(endpoint: str, model: str) -> str:
    """The version of the model package behind a SageMaker model: `7` of `fraud-7-3fa2c1`, else `first`."""
    brought = brought_by(endpoint, model)
    return brought.split(".")[1] if brought else FIRST


def brought_by(endpoint: str, model: str) -> str:
    """The id of the release that brought a SageMaker model, `fraud.7.3fa2c1` of `fraud-7-3fa2c1`; empty if none did."""
    found = re.fullmatch(rf"{re.escape(endpoint)}-(\d+)-([0-9a-f]{{6}})", model)
    return f"{endpoint}.{found[1]}.{found[2]}" if found else ""


def version(package_arn: str) -> str:
    """`7` of `arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/7`."""
    return package_arn.rpartition("/")[2]


def label_job(endpoint: str, variant: str, window: str) -> str:
    """Begins the names of the jobs that join a window's labels; window: its start as yyyymmddHHMM.

    With `-1`, the attempt, the longest endpoint's are of the 63 characters that SageMaker allows.
    """
    return f"{endpoint}-label-{variant[0]}-{window}"


def holdout_job(endpoint: str, version: str) -> str:
    """Begins the names of the jobs that compare a package's holdout with recent requests; a minute follows."""
    return f"{endpoint}-holdout-{version}"


# What monitoring keeps below `monitoring/{endpoint}/`, by its kind. `when` is yyyy/mm/dd/hh/MM of a window's start.
OBJECTS, QUARANTINE = "objects", "quarantine"  # of a captured object, by the object's own path below its variant
PROFILES, LABELLED, RESULTS, PROBES = "windows", "labelled", "results", "probes"
BASELINES = "baselines"
COUNTS = "counts"  # which execution of the workflow does the counting
MODEL_MONITOR = "model-monitor"  # what SageMaker Model Monitor writes, in its own layout
PROBE_ID = f"{PREFIX}-probe"  # begins the inference ids of replayed rows, which are nobody's traffic


def monitored(endpoint: str, kind: str, *path: str) -> str:
    """The key of something monitoring keeps, or with fewer parts the prefix of it and its like."""
    return "/".join([MONITORING, endpoint, kind, *path])


def drift_alarm(endpoint: str, detector: str) -> str:
    return f"{PREFIX}-{endpoint}-drift-{detector}"


def data_quality(endpoint: str) -> str:
    """Model Monitor's schedule that describes an endpoint's requests."""
    return f"{PREFIX}-{endpoint}-data-quality"


def model_quality(endpoint: str) -> str:
    """Model Monitor's schedule that compares an endpoint's answers with labels."""
    return f"{PREFIX}-{endpoint}-model-quality"


def monitor_schedule(endpoint: str) -> str:
    return f"{MONITOR}-{endpoint}"


def scalable_target(endpoint: str, role: str) -> str:
    """Application Auto Scaling's resource id of a variant."""
    return f"endpoint/{endpoint}/variant/{role}"


def dimension(text: str) -> str:
    """A text of the user's as a metric's dimension: CloudWatch takes printable ASCII, and not blanks alone."""
    ascii_ = text.encode("ascii", "backslashreplace").decode()
    return "".join(one if one.isprintable() else "?" for one in ascii_)[:255].strip() or "?"
