"""The one way in which the sandbox changes MiniStack and moto.

Both are pinned, and neither promises that its private names stay. A name that went away must fail at start,
naming itself, and not later as a behaviour that silently isn't there.
"""

import sys
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


def replace_imported(owner: ModuleType, name: str, new: Any) -> None:
    """Replace a function of `owner` there and in every module of the same library that imported it by name."""
    old = getattr(owner, name)
    library = owner.__name__.split(".")[0] + "."
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(library) and getattr(module, name, None) is old:
            replace(module, name, new)


def mount(app: Any, service: str, module: ModuleType) -> None:
    """Serve `service` from `module.handle_request(method, path, headers, body, query_params)`."""
    key = f"sandbox-{service}"
    app.SERVICE_REGISTRY[service] = {"module": key}
    app._loaded_modules[key] = module
    app.SERVICE_HANDLERS[service] = app._lazy_handler(key)
