"""MLflow as data scientists see it, through its own client."""

import logging
from typing import Any

from mlflow import MlflowClient, MlflowException

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site

# SageMaker's plugin warns at each request that the server has no ARN.
logging.getLogger("mlflow.tracking.request_header.registry").setLevel(logging.ERROR)


def client(site: Site) -> MlflowClient:
    return MlflowClient(site.world.sandbox.mlflow_url, site.world.sandbox.mlflow_url)


def version(site: Site, alias: str) -> Any | None:
    """The model version that bears the alias."""
    try:
        return client(site).get_model_version_by_alias(ENDPOINT, alias)
    except MlflowException:
        return None


def package(site: Site, alias: str) -> str | None:
    """The ARN of the package that the alias points at."""
    seen = version(site, alias)
    return seen and seen.tags[names.PACKAGE_TAG]
