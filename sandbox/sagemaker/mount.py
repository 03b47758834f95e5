"""Where SageMaker is hooked into MiniStack."""

from typing import Any

from ministack.core import router

from sandbox.aws import patching
from sandbox.sagemaker import cloudformation, service


def install(app: Any) -> None:
    """Add the service to MiniStack's `app` module, and the fault switches to its paths."""
    patching.mount(app, "sagemaker", service)
    router.SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"api\.sagemaker\.", r"runtime\.sagemaker\."],
    }
    cloudformation.install()
    _add_fault_switches(app)


def _add_fault_switches(app: Any) -> None:
    """Before signatures are looked at: whoever reaches the loopback may break things."""

    async def with_faults(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        if path == service.FAULTS_PATH:
            return await service.handle_faults(method, body)
        return await shortcuts(method, path, headers, body, query, request_id)

    shortcuts = patching.replace(app, "_handle_post_body_shortcuts", with_faults)
