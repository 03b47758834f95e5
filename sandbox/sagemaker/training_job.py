"""A training job's record: its secondary statuses and the history of them."""

from dataclasses import dataclass
from typing import Any

from sandbox.sagemaker.job import COMPLETED, FAILED, FAILURE_LIMIT, IN_PROGRESS, STOPPED, STOPPING, Job
from sandbox.sagemaker.store import CLOCK, LOCK

_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    STOPPING: "Stopping the training job",
    COMPLETED: "Training job completed",
    STOPPED: "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    FAILED: "Training job failed",
}
_FINAL = {COMPLETED: COMPLETED, STOPPED: STOPPED, FAILED: FAILED, "MaxRuntimeExceeded": STOPPED}


@dataclass
class TrainingJob(Job):
    """Its `SecondaryStatus` says where it is within InProgress, and why it ended."""

    def __post_init__(self) -> None:
        self._enter("Starting", CLOCK.now())

    def step(self, secondary: str, **members: Any) -> None:
        """Enter a secondary status: the one before it ends, its own begins."""
        with LOCK:
            self._enter(secondary, CLOCK.now())
            running = STOPPING if self.stop.is_set() else IN_PROGRESS
            self.change(_FINAL.get(secondary, running), **members)

    def end(self, secondary: str, **members: Any) -> None:
        """Enter a last secondary status. Durations are in virtual seconds, as the times are."""
        now = CLOCK.now()
        seconds = int(now - self.described.get("TrainingStartTime", now))
        durations = {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        self.step(secondary, TrainingEndTime=now, **durations, **members)

    def fail(self, reason: str) -> None:
        self.end(FAILED, FailureReason=reason[:FAILURE_LIMIT])

    def _enter(self, secondary: str, now: float) -> None:
        history = self.described.setdefault("SecondaryStatusTransitions", [])
        if history:
            history[-1]["EndTime"] = now
        history.append({"Status": secondary, "StartTime": now, "StatusMessage": _MESSAGES[secondary]})
        if secondary in _FINAL:
            history[-1]["EndTime"] = now
        self.described["SecondaryStatus"] = secondary
