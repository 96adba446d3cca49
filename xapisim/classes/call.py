"""One call as the implementations see it, and how they are listed."""

from collections.abc import Callable
from dataclasses import dataclass

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
