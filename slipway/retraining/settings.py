"""What an endpoint's settings say of retraining."""

from dataclasses import dataclass

from slipway.retraining import guard
from slipway.retraining.tuning import Tuning
from slipway.windows import MEGABYTE

START_SECONDS = 900  # that SageMaker may take to get an instance, on top of a job's own time
SPOT_WAIT = 4  # times its own longest run that a spot job may wait for capacity
JOBS = 4  # of a run: assemble, train, compare, baseline; tuning has more
CLUSTER = 2  # instances that join a large window before them


@dataclass(frozen=True)
class Settings:
    """When an endpoint's model is trained again, on what, at what cost, and who approves the result.

    schedule: rate(...) or cron(...). new_labels: so many since the newest run are a reason. label_hours: that a label
    may take. cost_a_month: US dollars, at price_an_hour of instance_type. image: of the Processing jobs;
    None: the endpoint's own. spark_megabytes: of captured traffic and labels, from where on a cluster joins them.
    mlflow: ARN or URL of the server to keep in step. tuning: None trains with the champion's hyperparameters.
    """

    enabled: bool = True
    on_drift: bool = True
    schedule: str | None = None
    new_labels: int | None = None
    window_days: int = 28
    label_hours: int = 72
    matured: float = 0.95
    least_positives: int = 100
    waits_days: int = 14
    cooldown_hours: int = 24
    runs_a_month: int = 8
    cost_a_month: float = 100.0
    approval: str = "manual"
    approval_hours: int = 72
    instance_type: str = "ml.m5.xlarge"
    price_an_hour: float = 0.23
    job_minutes: int = 60
    spot: bool = False
    image: str | None = None
    spark_megabytes: int = 3_000
    mlflow: str | None = None
    tuning: Tuning | None = None

    @property
    def guard(self) -> guard.Settings:
        return guard.Settings(
            enabled=self.enabled,
            cooldown_hours=self.cooldown_hours,
            runs_a_month=self.runs_a_month,
            cost_a_month=self.cost_a_month,
            matured=self.matured,
            least_positives=self.least_positives,
            waits_days=self.waits_days,
            look_hours=min(6.0, max(0.25, self.label_hours / 4)),
            run_cost=self.most,
        )

    @property
    def most(self) -> float:
        """What a run may cost at most, in US dollars: every job to the end of its time, the cluster's too."""
        jobs = JOBS + CLUSTER + (self.tuning.jobs if self.tuning else 0)
        return round(jobs * self.job_minutes / 60 * self.price_an_hour, 2)

    @property
    def longest_job(self) -> int:
        """Seconds that a training job may take, waiting included."""
        return 60 * self.job_minutes * (SPOT_WAIT if self.spot else 1) + START_SECONDS

    def on_spark(self, size: int) -> bool:
        """Whether so many bytes of captured traffic and labels are a cluster's."""
        return size >= self.spark_megabytes * MEGABYTE

    def cost(self, seconds: float) -> float:
        """US dollars."""
        return round(seconds / 3600 * self.price_an_hour, 4)
