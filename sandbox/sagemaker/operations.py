"""The table of API operations; each module of the room adds its own."""

from collections.abc import Callable
from typing import Any

Params = dict[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Params], Answer]

OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Register `create_model` as the operation `CreateModel`. It takes validated parameters."""
    OPERATIONS["".join(part.capitalize() for part in function.__name__.split("_"))] = function
    return function
