"""Lets a blocking call that our code makes on the event loop raise BlockingError.

blockbuster compares every frame's file name with every rule, up to pytest's own frames, at each
call that could block; here a function is looked up once, and only what the loop itself runs.
"""

import asyncio
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType

from blockbuster import BlockBuster

OURS = ["chassis", "controller", "hostagent"]
# What may block: opening the database, asyncpg's look for ~/.pgpass at each new connection, and
# reading certificates, before anything is served; a traceback for the log; /proc for the metrics.
MAY_BLOCK = (
    ("controller/store/sqlite.py", {"__init__", "_hold"}),
    ("controller/store/postgres.py", {"__init__"}),
    ("controller/store/opening.py", {"_password"}),
    ("controller/store/upgrade.py", {"upgrade"}),
    ("asyncpg/connect_utils.py", {"_parse_connect_dsn_and_args"}),
    ("chassis/tls.py", {"paths", "_read", "_mtimes", "server_credentials", "channel_credentials"}),
    ("hostagent/assembly.py", {"_agent", "open_client", "with_own_vm"}),
    ("chassis/interceptor.py", {"_described", "_cancelled"}),
    ("chassis/web.py", {"_metrics"}),
)
RUN = asyncio.Handle._run.__code__


class Kind(Enum):
    """Whose a function is."""

    OURS = "ours"
    MAY_BLOCK = "may block"
    FOREIGN = "foreign"


@contextmanager
def forbidden() -> Iterator[None]:
    """Forbid it until the block ends."""
    watched = BlockBuster(OURS)
    for function in watched.functions.values():
        function.can_block_predicate = _either(function.can_block_predicate)
    watched.activate()
    try:
        yield
    finally:
        watched.deactivate()


def _either(known: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *args, **kwargs: known(*args, **kwargs) or _is_allowed()


def _is_allowed() -> bool:
    """Tell whether no function of ours is on the loop's stack, or one that may block."""
    frame: FrameType | None = sys._getframe()
    ours = False
    while frame is not None and frame.f_code is not RUN:
        kind = _kind(frame.f_code)
        if kind is Kind.MAY_BLOCK:
            return True
        ours = ours or kind is Kind.OURS
        frame = frame.f_back
    return not ours


@functools.cache
def _kind(code: CodeType) -> Kind:
    for file, names in MAY_BLOCK:
        if code.co_name in names and code.co_filename.endswith(file):
            return Kind.MAY_BLOCK
    return Kind.OURS if code.co_filename.startswith(_roots()) else Kind.FOREIGN


@functools.cache
def _roots() -> tuple[str, ...]:
    return tuple(str(Path(importlib.import_module(name).__path__[0])) for name in OURS)
