"""The Serving stack: endpoints with their first models, their scaling and their alarms."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from infra import images
from infra.alarms import RoleAlarms
from infra.config import Config, Endpoint
from infra.endpoint import FirstDeployment, Scaling
from infra.frame import Frame
from infra.function import Function
from infra.state import State
from slipway import names


class Serving(cdk.Stack):
    """Endpoints that have a first model. The others wait for one, and synth says so."""

    def __init__(self, scope: Construct, *, config: Config, state: State) -> None:
        super().__init__(scope, f"{names.PREFIX}-serving", description="Slipway: endpoints")
        may = state.permissions(self)
        self._state = state
        self._recorder = Function(
            self,
            "frame",
            timeout=300,
            environment={"LEDGER_TABLE": state.ledger.table_name},
            may=[may.use_ledger(), *may.clear_away(), may.see_scaling(), *may.stop_scaling()],
        )
        for endpoint in config.endpoints:
            self._endpoint(endpoint)

    def _endpoint(self, endpoint: Endpoint) -> None:
        room = Construct(self, endpoint.name)
        cdk.Tags.of(room).add(names.ENDPOINT_TAG, endpoint.name)
        if endpoint.first_model is None:
            cdk.Annotations.of(room).add_info(
                f"{endpoint.name} has no first_model yet, so no endpoint is made. Deploy slipway-state, train into its "
                f"bucket below {names.MODELS}/, set first_model to the model.tar.gz in cdk.json, and deploy again."
            )
            return
        state, role = self._state, self._state.serving_roles[endpoint.name]
        frame = Frame(
            room,
            endpoint=endpoint,
            recorder=self._recorder,
            image=images.uri(self, endpoint.image),
            role=role,
            store=state.store,
            key=state.key,
        )
        first = FirstDeployment(room, name=endpoint.name, frame=frame, role=role, store=state.store, key=state.key)
        Scaling(room, endpoint=endpoint).node.add_dependency(first.endpoint)
        alarms = {
            role: RoleAlarms(room, endpoint=endpoint.name, role=role, thresholds=endpoint.alarms)
            for role in names.ROLES
        }
        # The candidate's reaches people through the rollback it causes.
        alarms[names.BASELINE].any.add_alarm_action(actions.SnsAction(state.topic))
