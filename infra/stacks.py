"""The stacks, from the app's context."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.config import parse
from infra.delivery import Delivery
from infra.monitoring import Monitoring
from infra.serving import Serving
from infra.state import State


def declare(app: cdk.App) -> None:
    """Add State, Serving, Delivery and Monitoring to the app; synth then also checks them with cdk-nag.

    There is no Monitoring where every endpoint's is off.

    Raises ConfigError for a context that can't be right.
    """
    config = parse(app.node.get_all_context())
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    state = State(app, config=config)
    Serving(app, config=config, state=state)
    Delivery(app, config=config, state=state)
    if any(endpoint.monitor != "off" for endpoint in config.endpoints):
        Monitoring(app, config=config, state=state)
