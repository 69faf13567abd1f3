"""A resource type's handler whose properties are shown to a function before it acts."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from lab.cloudformation.properties import Properties
from lab.ministack.cloudformation import ResourceHandler

# Where an action takes the properties as they shall be.
_POSITIONS = {"create": 1, "update": 2}


def shown_first(handler: ResourceHandler, look: Callable[[Properties], None]) -> ResourceHandler:
    """The same handler, which shows the properties as they shall be before it creates or updates.

    :param look: what it raises fails the resource.
    """

    def showing(action: Callable[..., Any], position: int) -> Callable[..., Any]:
        @wraps(action)
        def shown(*args: Any, **kwargs: Any) -> Any:
            look(args[position])
            return action(*args, **kwargs)

        return shown

    return handler | {name: showing(handler[name], at) for name, at in _POSITIONS.items() if name in handler}
