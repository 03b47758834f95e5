"""What the jobs of a retraining run are told, and what Step Functions carries from one leg to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway import names, windows
from slipway.frame import Frame
from slipway.holdouts import Evaluated
from slipway.retraining import guard, request, tuning
from slipway.retraining.run import Kind, Run, State, Trigger
from slipway.retraining.settings import START_SECONDS, Settings

TIME = "event_time"
# Kind of SageMaker job, and the member of the workflow's state that names it, of what the gate judges.
JUDGED_JOBS = (("Training", "trained"), ("Processing", "compared"))
JOINED, DATASET, COMPARISON, BASELINE = "joined", "dataset", "comparison", "baseline"
TUNED, TUNING_JOB = "tuned", "tuning"  # outputs of a run: the parameters that were found, and the job that found them
# The jobs whose outcome is the dataset, as JUDGED_JOBS; the first is there where a cluster joined.
DATA_JOBS = ("joined", "assembled")
_PROCESSING = "/opt/ml/processing"
# What a manifest records besides the arguments that `training/train.py` takes, or takes anew for each run.
_NOT_AGAIN = ("drop", "threshold", "time_column", "missing_allowed", "target")


@dataclass(frozen=True)
class Turn:
    """The input of every state after admission. The ASL names these fields.

    next: assemble | join | wait | duplicate | refused; join: on a cluster, before. given: the execution's own input.
    champion: S3 address of its artifact. folder: s3:// of what the run keeps. volume: GB of the disks of jobs that are
    given traffic. join, assemble, compare, baseline: arguments of the jobs' programs. tuning: what
    `slipway/retraining/tuning.py` asks for, None: trained with these hyperparameters.
    """

    next: str
    given: Mapping[str, Any]
    reason: str = ""
    wait_seconds: int = 0
    run_id: str = ""
    endpoint: str = ""
    image: str = ""
    jobs_image: str = ""
    champion: str = ""
    folder: str = ""
    instance_type: str = ""
    job_seconds: int = 0
    leg_seconds: int = 0
    volume: int = 0
    approval_seconds: int = 0
    spot: bool = False
    train_stops: Mapping[str, int] = field(default_factory=dict)
    join: tuple[str, ...] = ()
    assemble: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    tuning: Mapping[str, Any] | None = None


def trigger(given: Mapping[str, Any], frame: Frame, at: float) -> Trigger:
    """Of an endpoint, from an execution's input. at: when that began, unix seconds. Raises request.BadRequest."""
    asked = frame.retraining
    return request.trigger(given, frame.endpoint, at, window_days=asked.window_days, label_hours=asked.label_hours)


def unknown(settings: Settings) -> guard.Labels:
    """Where nobody counts labels, the assembling job does, and refuses too few by itself."""
    return guard.Labels(settings.least_positives, settings.least_positives, settings.least_positives)


def counts_from(asked: Trigger, history: Sequence[Run]) -> float:
    """From when on a trigger's labels count, unix seconds: new ones are those that no run has seen."""
    seen = [run.trigger.until for run in history if asked.kind is Kind.LABELS]
    return max([asked.since, *seen])


def too_few(asked: Trigger, labels: guard.Labels | None, settings: Settings) -> guard.Refused | None:
    """Why a look for new labels ends as if nothing had been asked; None where enough have come, or others ask."""
    seen, needed = labels.labelled if labels else 0, settings.new_labels or 0
    if asked.kind is not Kind.LABELS or seen >= needed:
        return None
    return guard.Refused((f"{seen} labels have come since the newest run, at least {needed} are awaited",), "none")


def no_run(answer: guard.Answer, given: Mapping[str, Any], now: float) -> Turn:
    """The end of an execution that begins no run now, or its wait for another look."""
    if isinstance(answer, guard.Waiting):
        return Turn("wait", given, answer.reason, max(60, round(answer.until - now)))
    assert isinstance(answer, guard.Refused)
    return Turn("duplicate" if answer.duplicate_of else "refused", given, "; ".join(answer.reasons))


def decided(run: Run, onward: str = "") -> dict[str, str]:
    """Where a step leads: to the run's end if it has one."""
    reason = "; ".join(run.reasons) or next((leg.says for leg in reversed(run.legs) if leg.says), "")
    return {"next": run.state.lower() if run.ended else onward, "reason": reason, "run_id": run.id}


def drift_since(run: Run) -> float | None:
    return run.trigger.since if run.trigger.kind is Kind.DRIFT else None


def judged(run: Run) -> bool:
    """Whether the gate has judged the run's challenger."""
    return any(leg.state is State.COMPARING for leg in run.legs)


def turn(
    run: Run,
    frame: Frame,
    manifest: Mapping[str, Any],
    bucket: str,
    sources: str,
    given: Mapping[str, Any],
    size: int,
) -> Turn:
    """The legs of a run; the same for the same run, so a repeated admission changes nothing.

    manifest: the champion's. sources: S3 address of the script mode archive. size: bytes below `traffic(run)`.
    """
    settings = frame.retraining
    large = settings.on_spark(size)
    seconds = 60 * settings.job_minutes
    stops = {"MaxRuntimeInSeconds": seconds}
    if settings.spot:
        stops["MaxWaitTimeInSeconds"] = settings.longest_job - START_SECONDS
    told = hyperparameters(manifest, sources)
    return Turn(
        next="join" if large else "assemble",
        given=given,
        reason=run.trigger.reason,
        run_id=run.id,
        endpoint=run.trigger.endpoint,
        image=frame.image,
        jobs_image=settings.image or frame.image,
        champion=run.output("champion"),
        folder=f"s3://{bucket}/{folder(run)}",
        instance_type=settings.instance_type,
        job_seconds=seconds,
        leg_seconds=settings.longest_job,
        volume=windows.volume(size),
        approval_seconds=3600 * settings.approval_hours,
        spot=settings.spot,
        train_stops=stops,
        join=_join(run, settings, len(manifest["features"])) if large else (),
        assemble=_assemble(run, settings, JOINED if large else ""),
        compare=_arguments("challenger", "champion", "data", output=COMPARISON),
        baseline=_baseline(run, manifest["target"]),
        hyperparameters=told,
        tuning=_tuning(run, settings, told),
    )


def _tuning(run: Run, settings: Settings, told: Mapping[str, str]) -> dict[str, Any] | None:
    """Of the dataset's train and validation; the holdout is for the gate alone."""
    if settings.tuning is None:
        return None
    return tuning.asked(settings.tuning, told, names.tuning_job(run.id), settings.longest_job)


def tuned(told: Mapping[str, str], run: Run) -> dict[str, str]:
    """The hyperparameters to train the challenger with: those told, and over them the ones its tuning found."""
    return {**told, **tuning.read(run.output(TUNED, ""))}


def folder(run: Run) -> str:
    """The prefix of what a run keeps in the bucket."""
    return f"{names.RETRAINED}/{run.trigger.endpoint}/{run.id}"


def evaluated(run: Run) -> Evaluated:
    """What the run's package was judged on: rows that are requests with a label, and what its baseline is made of."""
    _, _, artifact = run.output("artifact").removeprefix("s3://").partition("/")
    return Evaluated(f"{folder(run)}/{DATASET}/holdout", artifact, TIME, labelled=True, joint=True)


def traffic(run: Run) -> tuple[str, str]:
    """The prefixes of the captured requests and of the labels that a run is given."""
    return f"{names.CAPTURE}/{run.trigger.endpoint}", f"{names.GROUND_TRUTH}/{run.trigger.endpoint}"


def _join(run: Run, settings: Settings, columns: int) -> tuple[str, ...]:
    given = _numbers(columns=columns, **_window(run, settings))
    return given + _arguments("capture", "labels", output=JOINED)


def _assemble(run: Run, settings: Settings, joined: str) -> tuple[str, ...]:
    """joined: where a cluster's rows lie; "": it joins by itself."""
    given = _numbers(**_window(run, settings), drifted=drift_since(run) or 0.0)
    return given + _arguments(*([joined] if joined else ["capture", "labels"]), "champion", output=DATASET)


def _window(run: Run, settings: Settings) -> dict[str, float]:
    """It ends with the run's creation; labels that came since then would make a repeated leg differ."""
    since, mature = run.created_at - 86400 * settings.window_days, 3600 * settings.label_hours
    return {"since": since, "until": run.created_at, "cut": run.created_at, "mature": mature}


def _numbers(**told: float) -> tuple[str, ...]:
    return tuple(word for name, value in told.items() for word in (f"--{name}", f"{value:.0f}"))


def _baseline(run: Run, target: str) -> tuple[str, ...]:
    """Of the holdout: the newest rows, and the only ones that the challenger's scores were not fitted to. There is no
    package yet to bind it to; its run makes one package only."""
    given = ("--package", run.id, "--label", target, "--time", TIME)
    return (*given, *_arguments("model", "input", output=BASELINE))


def _arguments(*inputs: str, output: str) -> tuple[str, ...]:
    """Where a Processing job's inputs lie, and where its output goes."""
    read = tuple(word for name in inputs for word in (f"--{name}", f"{_PROCESSING}/{name}"))
    return (*read, "--output", f"{_PROCESSING}/{output}")


def hyperparameters(manifest: Mapping[str, Any], sources: str) -> dict[str, str]:
    """The champion's, for the columns that are assembled. SageMaker's `sagemaker_` ones name script and archive.

    What requests may lack today they may lack tomorrow.
    """
    kept = {key: value for key, value in manifest["hyperparameters"].items() if key not in _NOT_AGAIN}
    told = {name.replace("_", "-"): value for name, value in kept.items() if value is not None}
    missing = [feature["name"] for feature in manifest["features"] if feature.get("missing_allowed")]
    if missing:
        told["missing-allowed"] = ",".join(missing)
    told |= {"target": manifest["target"], "time-column": TIME, "checkpoint-dir": "/opt/ml/checkpoints"}
    told |= {"sagemaker_program": "train.py", "sagemaker_submit_directory": sources}
    return {name: str(value) for name, value in told.items()}
