"""Endpoint changes as they happen over (virtual) time: wait, tell the data plane, settle or roll back.

SANDBOX_ENDPOINT_SECONDS: how long new instances take to start (default 120). SANDBOX_WEIGHT_SECONDS: how long a
change of weights or instance counts takes (default 20). Both in virtual seconds. Nothing is in force before the data
plane says so, and the status is InService only after that.
"""

import logging
import os

from sandbox.sagemaker import dataplane
from sandbox.sagemaker.deployment import Deployment
from sandbox.sagemaker.endpoint import (
    DELETING,
    ENDPOINTS,
    FAILED,
    IN_SERVICE,
    ROLLBACK_FAILED,
    Endpoint,
)
from sandbox.sagemaker.faults import FAULTS
from sandbox.sagemaker.store import CLOCK, LOCK, spawn

logger = logging.getLogger("sandbox.sagemaker")
ENDPOINT_SECONDS = float(os.environ.get("SANDBOX_ENDPOINT_SECONDS", "120"))
WEIGHT_SECONDS = float(os.environ.get("SANDBOX_WEIGHT_SECONDS", "20"))
DELETE_SECONDS = 5.0
_FAILURE = "The sandbox was told to let this change fail (next_update=fail)."


def deploy(endpoint: Endpoint, pending: Deployment, fault: str | None = None) -> None:
    """Start bringing `pending` in; the endpoint must be Creating or Updating already."""
    endpoint.pending, endpoint.pending_since = pending, CLOCK.now()
    spawn(_deploy, endpoint, pending, fault)


def reweigh(endpoint: Endpoint, live: Deployment, fault: str | None = None) -> None:
    """Start putting the desired weights and instance counts of `live` in force."""
    spawn(_reweigh, endpoint, live, fault)


def delete(endpoint: Endpoint) -> None:
    """Start deleting the endpoint."""
    endpoint.move(DELETING)
    spawn(_delete, endpoint)


def _deploy(endpoint: Endpoint, pending: Deployment, fault: str | None) -> None:
    CLOCK.sleep(ENDPOINT_SECONDS)
    problem = _apply(endpoint, pending, fault)
    with LOCK:
        if not _still(endpoint):
            return
        endpoint.pending = None
        if problem is None:
            _settle(pending)
            endpoint.live, endpoint.config_name = pending, pending.config_name
            endpoint.move(IN_SERVICE)
        elif endpoint.live is None:
            endpoint.move(FAILED, problem)
        else:
            _roll_back(endpoint, problem, fault)


def _reweigh(endpoint: Endpoint, live: Deployment, fault: str | None) -> None:
    CLOCK.sleep(WEIGHT_SECONDS)
    problem = _apply(endpoint, live, fault)
    with LOCK:
        if not _still(endpoint):
            return
        if problem is None:
            _settle(live)
            endpoint.move(IN_SERVICE)
        else:
            for variant in live.variants:
                variant.revert()
            _roll_back(endpoint, problem, fault)


def _roll_back(endpoint: Endpoint, problem: str, fault: str | None) -> None:
    """The old deployment never stopped answering; what differs is what the endpoint admits to."""
    if fault == "fail":
        endpoint.move(FAILED, problem)
    elif fault == "rollback_failed":
        endpoint.move(ROLLBACK_FAILED, "The update failed, and so did rolling it back.")
    else:
        # As SageMaker does: InService on the old config, with no reason given.
        logger.warning("%s rolled back: %s", endpoint.name, problem)
        endpoint.move(IN_SERVICE)


def _apply(endpoint: Endpoint, wanted: Deployment, fault: str | None) -> str | None:
    """Have the data plane serve `wanted`; returns why it does not, None when it does."""
    if fault == "hang":
        FAULTS.wait_for_release()
    elif fault is not None:
        return _FAILURE
    with LOCK:
        if not _still(endpoint):
            return "deleted"
        endpoint.version += 1
        routing = wanted.routing(endpoint.version)
    try:
        failures = dataplane.put_endpoint(endpoint.name, routing)
    except (dataplane.DataPlaneError, ValueError, KeyError) as error:
        logger.exception("could not hand %s to the data plane", endpoint.name)
        return str(error)
    reasons = (f"The {variant} variant did not pass the ping health check: {why}" for variant, why in failures.items())
    return "; ".join(reasons) or None


def _delete(endpoint: Endpoint) -> None:
    CLOCK.sleep(DELETE_SECONDS)
    try:
        dataplane.delete_endpoint(endpoint.name)
    except dataplane.DataPlaneError:
        logger.exception("could not take %s off the data plane", endpoint.name)
    with LOCK:
        if _still(endpoint):
            ENDPOINTS.remove(endpoint.name)


def _settle(deployment: Deployment) -> None:
    for variant in deployment.variants:
        variant.settle()


def _still(endpoint: Endpoint) -> bool:
    """Whether this very endpoint is still there: not deleted, not replaced by one of the same name."""
    return ENDPOINTS.find(endpoint.name) is endpoint
