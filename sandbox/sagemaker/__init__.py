"""SageMaker's control plane on one machine: a MiniStack service that behaves as the API does, over virtual time.

Models, endpoint configs and endpoints with their status transitions; a model registry with its events; training,
tuning and processing jobs that really run. The data plane (another process) is told what to serve; see `dataplane`.
"""

from typing import Any


def install(app: Any) -> None:
    """Register the service with MiniStack's `app` module: routing, CloudFormation types, the fault switches."""
    from sandbox.sagemaker import mount

    mount.install(app)


def variant_exists(endpoint: str, variant: str) -> bool:
    """Whether the endpoint serves a variant of this name now."""
    from sandbox.sagemaker import endpoints

    return endpoints.variant_exists(endpoint, variant)
