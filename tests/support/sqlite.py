"""Stores in SQLite files: a copy of an upgraded one is quicker than an upgrade."""

import asyncio
import functools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.store.opening import open_database
from controller.store.settings import StoreSettings


def store_at(file: Path) -> StoreSettings:
    """Return the settings of a store in a file, which gets the newest schema if it is new."""
    if not file.exists():
        file.write_bytes(_upgraded())
    return _settings(file)


@functools.cache
def _upgraded() -> bytes:
    with tempfile.TemporaryDirectory(prefix="xenferry-sqlite-") as directory:
        file = Path(directory) / "template.db"

        async def upgrade() -> None:
            await (await open_database(_settings(file))).close()

        # A thread has a loop of its own, whether or not the test runs on one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, upgrade()).result()
        return file.read_bytes()


def _settings(file: Path) -> StoreSettings:
    return StoreSettings(f"sqlite:///{file}")
