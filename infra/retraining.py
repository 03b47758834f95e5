"""Retraining: drift, a schedule, new labels or a person start the state machine; its unhappy ends are followed up."""

from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import spark_image
from infra.config import Config, Endpoint
from infra.function import Function
from infra.permissions import Permission, Permissions, retraining_arn
from infra.state import State
from infra.tuning_permissions import TuningPermissions
from infra.watch import Watch
from infra.workflow import Workflow
from slipway import names

DEFINITION = Path(__file__).parent / "workflows" / "retraining.asl.json"
LOOK_FOR_LABELS = "rate(6 hours)"


class Retraining(Construct):
    """The state machine `infra/workflows/retraining.asl.json`, what starts it, and what hears of its ends."""

    def __init__(
        self, scope: Construct, *, config: Config, state: State, may: Permissions, undelivered: sqs.IQueue
    ) -> None:
        super().__init__(scope, "Retraining")
        self._state, self._may, self._undelivered = state, may, undelivered
        self._endpoints = ",".join(config.endpoint_names)
        self._may_tune = TuningPermissions(self, config.endpoint_names)
        steps = self._steps()
        self.machine = self._machine(steps)
        self._start_on_drift(config)
        for endpoint in config.endpoints:
            self._start_on_schedules(endpoint)
        self._follow(self._follower())
        self._answer_by_registry(self._answerer(), config.endpoint_names)
        self._keep_mlflow(config)
        watch = Watch(self, topic=state.topic, runbook="docs/runbooks/retraining-failed.md")
        watch.on_any(f"{names.RETRAINING}-failed", self.machine.metric_failed(), "a retraining failed")

    def _steps(self) -> dict[str, Function]:
        """By their names in the state machine's definition."""
        may = self._may
        admit = [*may.see_endpoints(), *may.read(names.MODELS, names.MONITORING), may.follow(names.RETRAINING)]
        admit += [may.see_objects(names.CAPTURE, names.GROUND_TRUTH), may.emit()]
        told = [may.emit(), may.see_jobs()]
        code = {"SOURCES": self._state.job_code.sources.s3_object_url}
        return {
            "AdmitRetraining": self._function("admit_retraining", timeout=60, may=admit, more=code),
            "CheckData": self._function("check_data", timeout=60, may=[*may.read(names.RETRAINED), *told]),
            "ChooseParameters": self._function("choose_parameters", timeout=60, may=self._may_tune.choose()),
            "Gate": self._function("gate", timeout=60, may=[*may.read(names.RETRAINED), *may.report(), *told]),
            "Register": self._function("register", timeout=120, may=self._register()),
            "AskApproval": self._function("ask_approval", timeout=30, may=[]),
            "SettleApproval": self._function("settle_approval", timeout=60, may=[may.approve(), may.emit()]),
        }

    def _register(self) -> list[Permission]:
        """Besides a version, its baseline, where monitoring looks for it."""
        may = self._may
        keep = may.write(*(names.monitored(name, names.BASELINES) for name in self._endpoints.split(",")))
        return [*may.read(names.MODELS, names.RETRAINED), *keep, may.register(), may.see_jobs()]

    def _follower(self) -> Function:
        may = [self._may.emit(), self._may.see_jobs(), *self._may.stop_jobs(), self._may.follow(names.RETRAINING)]
        may += [*self._may_tune.see(), *self._may_tune.stop()]
        return self._function("follow_retraining", timeout=60, may=may, dead_letter_queue=self._undelivered)

    def _answerer(self) -> Function:
        may = [self._may.answer_retrainings(), self._may.see_packages()]
        return self._function("answer", timeout=30, may=may, dead_letter_queue=self._undelivered)

    def _function(
        self,
        verb: str,
        *,
        timeout: int,
        may: Sequence[Permission],
        more: dict[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> Function:
        """A function that reads and writes the ledger and tells people, and may do what is listed besides."""
        state = self._state
        shared = {"LEDGER_TABLE": state.ledger.table_name, "TOPIC_ARN": state.topic.topic_arn}
        return Function(
            self,
            verb,
            timeout=timeout,
            environment={**shared, "ENDPOINTS": self._endpoints, "BUCKET": state.store.bucket_name, **(more or {})},
            may=[self._may.use_ledger(), *self._may.notify(), *may],
            dead_letter_queue=dead_letter_queue,
        )

    def _machine(self, steps: dict[str, Function]) -> sfn.StateMachine:
        state, code = self._state, self._state.job_code
        values = {
            "Role": state.retraining_role.role_arn,
            "Bucket": state.store.bucket_name,
            "Key": state.key.key_arn,
            "CodeUri": code.program.s3_object_url,
            "CodeFile": code.program.s3_object_key,
            "AppUri": code.program_app.s3_object_url,
            "AppFile": code.program_app.s3_object_key,
            "SparkImage": spark_image.uri(self),
            "WheelUri": code.wheel.s3_object_url,
            "MonitoringUri": code.monitoring.s3_object_url,
            "MonitoringFile": code.monitoring.s3_object_key,
        }
        may = [*self._may.run_jobs(state.retraining_role), *self._may_tune.run()]
        return Workflow(
            self, "Workflow", name=names.RETRAINING, definition=DEFINITION, steps=steps, values=values, may=may
        ).machine

    def _start(self, given: events.RuleTargetInput) -> targets.SfnStateMachine:
        return targets.SfnStateMachine(self.machine, input=given, dead_letter_queue=self._undelivered)

    def _start_on_drift(self, config: Config) -> None:
        """Whether that drift is a reason to retrain is for admission to say, with its reason.

        A candidate is judged by its release, and what needs no remedy is nobody's business.
        """
        heeded = [endpoint.name for endpoint in config.endpoints if endpoint.retraining.on_drift]
        if heeded:
            heed = {"endpoint": heeded, "variant": [names.BASELINE], "remedy": [{"anything-but": ["NOTHING"]}]}
            pattern = events.EventPattern(source=[names.EVENT_SOURCE], detail_type=[names.DRIFT_DETECTED], detail=heed)
            given = events.RuleTargetInput.from_object({"drift": events.EventField.from_path("$.detail")})
            events.Rule(self, "Drifted", event_pattern=pattern, targets=[self._start(given)])

    def _start_on_schedules(self, endpoint: Endpoint) -> None:
        asked = endpoint.retraining
        triggers = {"schedule": asked.schedule, "labels": LOOK_FOR_LABELS if asked.new_labels else None}
        for trigger, expression in triggers.items():
            if expression:
                given = {
                    "endpoint": endpoint.name,
                    "trigger": trigger,
                    "at": events.EventField.from_path("$.time"),
                }
                events.Rule(
                    self,
                    f"{endpoint.name}-{trigger}",
                    schedule=events.Schedule.expression(expression),
                    targets=[self._start(events.RuleTargetInput.from_object(given))],
                )

    def _follow(self, follow: Function) -> None:
        """A failed, stopped or timed-out execution can't tell its own end."""
        pattern = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [retraining_arn(self)], "status": ["FAILED", "ABORTED", "TIMED_OUT"]},
        )
        target = targets.LambdaFunction(follow, dead_letter_queue=self._undelivered)
        events.Rule(self, "EndedBadly", event_pattern=pattern, targets=[target])

    def _answer_by_registry(self, answer: Function, packages: Sequence[str]) -> None:
        """Who approves or rejects a version in the registry has answered its run too."""
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={"ModelApprovalStatus": ["Approved", "Rejected"], "ModelPackageGroupName": [*packages]},
        )
        target = targets.LambdaFunction(answer, dead_letter_queue=self._undelivered)
        events.Rule(self, "Decided", event_pattern=pattern, targets=[target])

    def _keep_mlflow(self, config: Config) -> None:
        """A lost event is made good within the hour."""
        kept = {e.name: e.retraining.mlflow for e in config.endpoints if e.retraining.mlflow and e.first_model}
        may = [*self._may.keep_mlflow([*kept.values()]), *self._may.see_endpoints()]
        keep = self._function("keep_mlflow", timeout=120, may=may, dead_letter_queue=self._undelivered)
        if not kept:
            return
        target = targets.LambdaFunction(keep, dead_letter_queue=self._undelivered)
        for name, pattern in _followed([*kept]).items():
            events.Rule(self, name, event_pattern=pattern, targets=[target])
        hourly = [
            targets.LambdaFunction(
                keep, event=events.RuleTargetInput.from_object({"endpoint": name}), dead_letter_queue=self._undelivered
            )
            for name in kept
        ]
        events.Rule(self, "Hourly", schedule=events.Schedule.rate(cdk.Duration.hours(1)), targets=hourly)


def _followed(endpoints: list[str]) -> dict[str, events.EventPattern]:
    """After what MLflow is looked at: a release is on its way when its layout stands, and no more when it has ended."""
    return {
        "PackageChanged": events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={"ModelPackageGroupName": endpoints},
        ),
        "Served": events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Endpoint State Change"],
            detail={"EndpointName": endpoints, "EndpointStatus": ["IN_SERVICE"]},
        ),
        "ReleaseEnded": events.EventPattern(
            source=[names.EVENT_SOURCE],
            detail_type=[names.PROMOTED, names.ROLLED_BACK],
            detail={"endpoint": endpoints},
        ),
    }
