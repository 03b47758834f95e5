"""A state machine of a definition that lies in `infra/workflows/`, logged and traced."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.function import KEEP_LOGS, Function
from infra.nag import accept
from infra.permissions import Permission


class Workflow(Construct):
    """A state machine that may call the functions in its definition's holes, and do what is listed."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        definition: Path,
        steps: Mapping[str, Function],
        values: Mapping[str, str] | None = None,
        may: Sequence[Permission] = (),
    ) -> None:
        """steps: functions for the definition's holes; values: texts for other holes; may: besides calling these."""
        super().__init__(scope, id)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            # As text the definition is part of the template, so `cdk diff` shows a change of it.
            definition_body=sfn.DefinitionBody.from_string(definition.read_text()),
            definition_substitutions={
                **{hole: function.function_arn for hole, function in steps.items()},
                **(values or {}),
            },
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=self._log(name), level=sfn.LogLevel.ALL, include_execution_data=True),
        )
        Permission(["lambda:InvokeFunction"], [function.function_arn for function in steps.values()]).give(self.machine)
        for permission in may:
            permission.give(self.machine)
        reason = "Log delivery and X-Ray know no resources; the state machine needs both."
        accept(self.machine, "IAM5", reason, finding="Resource::*")

    def _log(self, name: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
