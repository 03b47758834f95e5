"""The Monitoring stack: traffic is profiled as it is captured, and looked at window by window."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from infra import spark_image
from infra.config import Config, Endpoint
from infra.drift_alarms import DriftAlarms
from infra.function import Function
from infra.looks import Looks
from infra.model_monitor import ModelMonitor
from infra.permissions import Permission
from infra.queue import undelivered
from infra.state import State
from infra.watch import Watch
from infra.workflow import Workflow
from slipway import names

DEFINITION = Path(__file__).parent / "workflows" / "monitoring.asl.json"


class Monitoring(cdk.Stack):
    """One function that objects start, a workflow of five, and one that takes labels.

    A stack of its own: it comes and goes with `monitor`, and deploying it touches nothing that releases need.
    """

    def __init__(self, scope: cdk.App, *, config: Config, state: State) -> None:
        super().__init__(scope, f"{names.PREFIX}-monitoring", description="Slipway: drift")
        self._state, self._may = state, state.permissions(self)
        watched = [endpoint for endpoint in config.endpoints if endpoint.monitor != "off"]
        self._watched = [endpoint.name for endpoint in watched]
        self._undelivered = undelivered(self, f"{names.MONITOR}-undelivered")
        if own := [endpoint for endpoint in watched if endpoint.monitor != names.MODEL_MONITOR]:
            self._profile_arrivals(own)
        steps = self._steps()
        values, may = self._of_jobs(), self._may.run_watching_jobs(state.label_role, state.holdout_role)
        workflow = Workflow(
            self, "Workflow", name=names.MONITOR, definition=DEFINITION, steps=steps, values=values, may=may
        )
        for endpoint in watched:
            if endpoint.first_model is not None:
                Looks(self, endpoint=endpoint, machine=workflow.machine, undelivered=self._undelivered)
                DriftAlarms(self, endpoint=endpoint)
            if endpoint.first_model is not None and endpoint.monitor == names.MODEL_MONITOR:
                role = state.monitoring_roles[endpoint.name]
                ModelMonitor(self, endpoint=endpoint, role=role, store=state.store, key=state.key)
        self._watch(workflow.machine)
        known = {"ENDPOINTS": ",".join(config.endpoint_names)}
        self._function("feedback", timeout=60, may=self._may.write(names.GROUND_TRUTH), environment=known)

    def _watch(self, looks: sfn.StateMachine) -> None:
        """A schedule that can't start a look is an event that reached nobody, too."""
        watch = Watch(self, topic=self._state.topic, runbook="docs/runbooks/monitoring-failed.md")
        watch.on_any(f"{names.MONITOR}-failed", looks.metric_failed(), "a look for drift failed")
        watch.on_any(f"{names.MONITOR}-timed-out", looks.metric_timed_out(), "a look for drift did not end")
        meaning = "captured traffic or the start of a look reached nobody"
        watch.on_undelivered(f"{names.MONITOR}-undelivered", self._undelivered, meaning)

    def _profile_arrivals(self, endpoints: Sequence[Endpoint]) -> None:
        """Lambda tries a failed event twice more before it is undelivered; the window's sum then counts the object."""
        may = self._may
        profile = self._function(
            "profile",
            timeout=120,
            memory=512,
            may=[*may.see_endpoints(), *may.read(names.CAPTURE, names.MONITORING), *may.write(names.MONITORING)],
            dead_letter_queue=self._undelivered,
        )
        below = [{"prefix": f"{names.CAPTURE}/{endpoint.name}/"} for endpoint in endpoints]
        arrived = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [self._state.store.bucket_name]}, "object": {"key": below}},
        )
        target = targets.LambdaFunction(profile, dead_letter_queue=self._undelivered)
        events.Rule(self, "Captured", event_pattern=arrived, targets=[target])

    def _of_jobs(self) -> dict[str, str]:
        """What the jobs run, where, and as whom, by its name in the workflow's definition."""
        code = self._state.job_code
        return {
            "JobsRole": self._state.label_role.role_arn,
            "JobsImage": spark_image.uri(self),
            "Key": self._state.key.key_arn,
            "CodeUri": code.monitoring.s3_object_url,
            "CodeFile": code.monitoring.s3_object_key,
            "AppUri": code.app.s3_object_url,
            "AppFile": code.app.s3_object_key,
            "HoldoutRole": self._state.holdout_role.role_arn,
            "ProgramUri": code.program.s3_object_url,
            "ProgramFile": code.program.s3_object_key,
        }

    def _steps(self) -> dict[str, Function]:
        """By their names in the workflow's definition."""
        may = self._may
        see, keep = may.see_endpoints(), [*may.read(names.MONITORING), *may.write(names.MONITORING)]
        traffic = may.read(names.CAPTURE, names.MONITORING)
        labelled = [*may.read(names.CAPTURE, names.MONITORING, names.GROUND_TRUTH), may.find_processing_jobs()]
        topic, ledger = {"TOPIC_ARN": self._state.topic.topic_arn}, {"LEDGER_TABLE": self._state.ledger.table_name}
        tell = [may.measure(), may.publish_metrics(), *may.notify(), may.emit()]
        return {
            "PlanWindows": self._function(
                "plan_windows",
                timeout=120,
                may=[*see, *traffic, *self._count(), *self._compare(), may.see_releases()],
                environment=ledger,
            ),
            "MergeWindow": self._function(
                "merge_window", timeout=600, memory=1024, may=[*see, *traffic, *may.write(names.MONITORING)]
            ),
            "LabelWindow": self._function(
                "label_window",
                timeout=600,
                memory=1024,
                may=[*labelled, *may.write(names.MONITORING, names.JOBS)],
            ),
            "Probe": self._function("probe", timeout=60, may=[*see, *keep, may.probe()]),
            "DetectDrift": self._function(
                "detect_drift",
                timeout=300,
                memory=1024,
                may=[*keep, *tell, may.see_releases()],
                environment={**topic, **ledger},
            ),
        }

    def _count(self) -> list[Permission]:
        """One execution at a time counts an endpoint's windows: its ARN is kept, and asked whether it still does."""
        kept = [names.monitored(name, names.COUNTS) for name in self._watched]
        return [*self._may.write(*kept), self._may.follow(names.MONITOR)]

    def _compare(self) -> list[Permission]:
        """Of a holdout with recent requests, by a job that is given which."""
        may = self._may
        return [may.find_processing_jobs(), may.see_objects(names.GROUND_TRUTH), *may.write(names.JOBS)]

    def _function(
        self,
        verb: str,
        *,
        timeout: int,
        may: Sequence[Permission],
        memory: int = 256,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> Function:
        return Function(
            self,
            verb,
            timeout=timeout,
            memory=memory,
            environment={"BUCKET": self._state.store.bucket_name, **(environment or {})},
            may=may,
            dead_letter_queue=dead_letter_queue,
        )
