"""What a retraining may do with tuning jobs and with the training jobs that they start."""

from collections.abc import Sequence

from constructs import Construct

from infra.permissions import NAMED_BY_RUN, NO_RESOURCE, Permission, arn
from slipway import names

# https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html: by it a `.sync` task hears of the end.
RULE = "StepFunctionsGetEventsForSageMakerTuningJobsRule"


class TuningPermissions:
    """SageMaker itself starts the training jobs of a tuning job, with the tags that this was given."""

    def __init__(self, scope: Construct, endpoints: Sequence[str]) -> None:
        self._scope, self._stems = scope, [names.tuning_stem(endpoint) for endpoint in endpoints]

    def run(self) -> list[Permission]:
        verbs = [f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")]
        keep = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
        return [
            Permission(verbs, self._made("hyper-parameter-tuning-job"), NAMED_BY_RUN),
            Permission(
                ["sagemaker:AddTags"],
                [*self._made("hyper-parameter-tuning-job"), *self._made("training-job")],
                NAMED_BY_RUN,
            ),
            Permission(keep, [arn(self._scope, "events", "rule", RULE)]),
        ]

    def choose(self) -> list[Permission]:
        """Read which parameters were the best, and what finding them has cost."""
        found = ["sagemaker:DescribeHyperParameterTuningJob"]
        return [Permission(found, self._made("hyper-parameter-tuning-job"), NAMED_BY_RUN), *self.see()]

    def see(self) -> list[Permission]:
        """The jobs of a tuning job, and how long they ran."""
        return [
            Permission(["sagemaker:ListTrainingJobs"], ["*"], NO_RESOURCE),
            Permission(["sagemaker:DescribeTrainingJob"], self._made("training-job"), NAMED_BY_RUN),
        ]

    def stop(self) -> list[Permission]:
        return [
            Permission(["sagemaker:ListHyperParameterTuningJobs"], ["*"], NO_RESOURCE),
            Permission(
                ["sagemaker:StopHyperParameterTuningJob"], self._made("hyper-parameter-tuning-job"), NAMED_BY_RUN
            ),
        ]

    def _made(self, kind: str) -> list[str]:
        return [arn(self._scope, "sagemaker", kind, f"{stem}-*") for stem in self._stems]
