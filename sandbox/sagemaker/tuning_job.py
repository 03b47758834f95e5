"""A tuning job's record: the training jobs it has launched, how many stand how, and which was best."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.sagemaker.job import COMPLETED, FAILED, IN_PROGRESS, STOPPED, STOPPING, Job
from sandbox.sagemaker.training_job import TrainingJob

Row = dict[str, Any]
_TIMES = ("TrainingStartTime", "TrainingEndTime")


@dataclass(frozen=True)
class Trial:
    """One training job and the values that it tries."""

    job: TrainingJob
    values: dict[str, str]

    @property
    def running(self) -> bool:
        return self.job.status in (IN_PROGRESS, STOPPING)


@dataclass
class TuningJob(Job):
    trials: list[Trial] = field(default_factory=list)

    @property
    def title(self) -> str:
        return "HyperParameter Tuning Job"

    @property
    def objective(self) -> dict[str, str]:
        """`Type` (Minimize or Maximize) and `MetricName`."""
        wanted: dict[str, str] = self.described["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        return wanted

    def summary(self, trial: Trial) -> Row:
        """A row of ListTrainingJobsForHyperParameterTuningJob."""
        seen = trial.job.described
        row = {
            "TrainingJobName": trial.job.name,
            "TrainingJobArn": trial.job.arn,
            "CreationTime": seen["CreationTime"],
            "TrainingJobStatus": trial.job.status,
            "TunedHyperParameters": trial.values,
            "ObjectiveStatus": self._objective_status(trial),
            **{time: seen[time] for time in _TIMES if time in seen},
        }
        if "FailureReason" in seen:
            row["FailureReason"] = seen["FailureReason"]
        if (value := self._value(trial)) is not None:
            row["FinalHyperParameterTuningJobObjectiveMetric"] = {**self.objective, "Value": value}
        return row

    def progress(self) -> Row:
        """What Describe and List say of its training jobs."""
        stand = [trial.job.status for trial in self.trials]
        objectives = [self._objective_status(trial) for trial in self.trials]
        return {
            "TrainingJobStatusCounters": {
                "Completed": stand.count(COMPLETED),
                "InProgress": sum(trial.running for trial in self.trials),
                "RetryableError": 0,
                "NonRetryableError": stand.count(FAILED),
                "Stopped": stand.count(STOPPED),
            },
            "ObjectiveStatusCounters": {kind: objectives.count(kind) for kind in ("Succeeded", "Pending", "Failed")},
        }

    def best(self) -> Trial | None:
        """Of those that completed; of equals the first."""
        ended = [trial for trial in self.trials if trial.job.status == COMPLETED and self._value(trial) is not None]
        sign = 1 if self.objective["Type"] == "Minimize" else -1
        return min(ended, key=lambda trial: sign * float(self._value(trial) or 0.0), default=None)

    def _value(self, trial: Trial) -> float | None:
        metrics = trial.job.described.get("FinalMetricDataList", ())
        return next((one["Value"] for one in metrics if one["MetricName"] == self.objective["MetricName"]), None)

    def _objective_status(self, trial: Trial) -> str:
        if trial.running:
            return "Pending"
        return "Succeeded" if trial.job.status == COMPLETED and self._value(trial) is not None else "Failed"
