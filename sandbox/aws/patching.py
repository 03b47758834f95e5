"""The one way in which the sandbox changes MiniStack and moto.

Both are pinned, and neither promises that its private names stay. A name that went away must fail at start,
naming itself, and not later as a behaviour that silently isn't there.
"""

from types import ModuleType
from typing import Any

REPLACED: list[str] = []


def replace(owner: Any, name: str, new: Any) -> Any:
    """Set `owner.name` to `new` and return what was there. Raises AttributeError if nothing was."""
    original = getattr(owner, name)
    setattr(owner, name, new)
    where = owner.__name__ if isinstance(owner, ModuleType | type) else type(owner).__name__
    REPLACED.append(f"{where}.{name}")
    return original


def mount(app: Any, service: str, module: ModuleType) -> None:
    """Serve `service` from `module.handle_request(method, path, headers, body, query_params)`."""
    key = f"sandbox-{service}"
    app.SERVICE_REGISTRY[service] = {"module": key}
    app._loaded_modules[key] = module
    app.SERVICE_HANDLERS[service] = app._lazy_handler(key)
