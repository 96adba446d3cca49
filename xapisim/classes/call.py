"""One call as the implementations see it, and how they are listed."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from xapisim.classes.engine import Engine
from xapisim.classes.pool import Pool
from xapisim.database.database import Database
from xapisim.values import Value


@dataclass(slots=True)
class Call:
    """Who asks, at which host, and in which task the call runs (if it runs in one)."""

    engine: Engine
    host: str
    session: str
    task: str = ""

    @property
    def pool(self) -> Pool:
        return self.engine.pool

    @property
    def database(self) -> Database:
        return self.engine.pool.database


Handler = Callable[..., Value]
"""`(call, *params) -> Value`, or a coroutine function for calls that may wait."""
_AnyHandler = TypeVar("_AnyHandler", bound=Handler)


def takes(count: int) -> Callable[[_AnyHandler], _AnyHandler]:
    """Says how many parameters a handler has that takes them as `*params`: XAPI has calls with up
    to eighteen.
    """

    def say(handler: _AnyHandler) -> _AnyHandler:
        names = [f"param_{number}" for number in range(count + 1)]
        kind = inspect.Parameter.POSITIONAL_ONLY
        parameters = [inspect.Parameter(name, kind) for name in names]
        vars(handler)["__signature__"] = inspect.Signature(parameters)
        return handler

    return say
