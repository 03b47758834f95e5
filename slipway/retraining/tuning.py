"""Tuning: which hyperparameters may be varied and how far, what SageMaker is asked for, and what it found.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning.html
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OBJECTIVE = "validation:log_loss"  # what `training/train.py` prints; less is better
STRATEGIES = {"random": "Random", "bayesian": "Bayesian"}  # a setting's word, SageMaker's
SEED = 7
KIND = "HyperParameterTuning"  # of SageMaker job


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter of `training/train.py`. least, most: what a range may span; usual: the range unless another is
    set, None: it is tuned only where it is set. ratios: whether equal ratios are equally far apart, not differences.
    """

    least: float
    most: float
    usual: tuple[float, float] | None
    whole: bool = False
    ratios: bool = False


PARAMETERS = {
    "max_depth": Parameter(1, 16, (3, 8), whole=True),
    "eta": Parameter(0.001, 1, (0.02, 0.3), ratios=True),
    "min_child_weight": Parameter(0.01, 1000, (0.5, 20), ratios=True),
    "subsample": Parameter(0.1, 1, (0.5, 1)),
    "colsample_bytree": Parameter(0.1, 1, (0.5, 1)),
    "lambda": Parameter(0.001, 1000, (0.1, 10), ratios=True),
    "num_round": Parameter(1, 10_000, None, whole=True, ratios=True),
    "scale_pos_weight": Parameter(0.01, 10_000, None, ratios=True),
}


@dataclass(frozen=True)
class Range:
    """Of the hyperparameter `name`, both ends included."""

    name: str
    least: float
    most: float


USUAL = tuple(Range(name, *known.usual) for name, known in PARAMETERS.items() if known.usual)


@dataclass(frozen=True)
class Tuning:
    """jobs: training jobs in all, parallel: at a time. strategy: random | bayesian."""

    jobs: int = 12
    parallel: int = 3
    strategy: str = "random"
    ranges: tuple[Range, ...] = field(default_factory=lambda: USUAL)

    def longest(self, job_seconds: int) -> int:
        """Seconds that all of its jobs take at most, if each takes as many as given."""
        return math.ceil(self.jobs / self.parallel) * job_seconds


class NothingFound(Exception):
    """A tuning job that ended without the parameters to train with."""


@dataclass(frozen=True)
class Found:
    """parameters: of the best training job, as the script takes them; log_loss: its objective; says: for people."""

    parameters: Mapping[str, str]
    log_loss: float
    says: str


def asked(tuning: Tuning, told: Mapping[str, str], job: str, job_seconds: int) -> dict[str, Any]:
    """The members of the workflow's `TuneChallenger`. told: the hyperparameters that are not to be varied, and the
    champion's of the others. job: the tuning job's name without the count of redrives."""
    varied = {_option(span.name) for span in tuning.ranges}
    return {
        "job": job,
        "strategy": STRATEGIES[tuning.strategy],
        "seed": int(told.get("seed", SEED)),
        "jobs": tuning.jobs,
        "parallel": tuning.parallel,
        "ranges": {
            "IntegerParameterRanges": [_range(span) for span in tuning.ranges if PARAMETERS[span.name].whole],
            "ContinuousParameterRanges": [_range(span) for span in tuning.ranges if not PARAMETERS[span.name].whole],
        },
        "fixed": {name: value for name, value in told.items() if name not in varied},
        "seconds": tuning.longest(job_seconds),
    }


def found(described: Mapping[str, Any]) -> Found:
    """From SageMaker's description of a tuning job. Raises NothingFound."""
    name, status = described[f"{KIND}JobName"], described[f"{KIND}JobStatus"]
    best = described.get("BestTrainingJob", {})
    metric = best.get(f"Final{KIND}JobObjectiveMetric")
    if status != "Completed" or not metric:
        raise NothingFound(f"tuning job {name} is {status} and has no best training job; start a new run")
    ended = described["ObjectiveStatusCounters"]["Succeeded"]
    asked_for = described[f"{KIND}JobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    parameters = dict(sorted(best["TunedHyperParameters"].items()))
    loss = float(metric["Value"])
    says = f"{ended} of {asked_for} jobs, log-loss {loss:.6f} on validation by {text(parameters)}"
    return Found(parameters, loss, says)


def text(parameters: Mapping[str, str]) -> str:
    """`eta=0.07 max-depth=5`: what the run and its package keep."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def read(kept: str) -> dict[str, str]:
    """What `text` wrote."""
    return dict(word.split("=", 1) for word in kept.split())


def _option(name: str) -> str:
    """As the script spells it."""
    return name.replace("_", "-")


def _range(span: Range) -> dict[str, str]:
    scaling = "Logarithmic" if PARAMETERS[span.name].ratios else "Linear"
    ends = {"MinValue": f"{span.least:g}", "MaxValue": f"{span.most:g}"}
    return {"Name": _option(span.name), **ends, "ScalingType": scaling}
