"""How far moves are, told between replicas: memory to memory, often, and never on the disk."""

import asyncio
import json
from functools import partial

import sqlalchemy as sa
import structlog

from controller.model.migration import Progress
from controller.ports.failures import StoreUnavailable
from controller.store import plain
from controller.store.live import LiveMigrations
from controller.store.postgres import PostgresDatabase

# PostgreSQL takes notifications of less than 8,000 bytes.
A_NOTIFICATION = 20
EVERY_S = 0.5
_NOTIFY = sa.text("SELECT pg_notify('xenferry_progress', :payload)")

log = structlog.get_logger()


class ProgressExchange:
    """Tells others of the newest progress here, and this process of theirs."""

    def __init__(self, database: PostgresDatabase, live: LiveMigrations, owner: str) -> None:
        self._database = database
        self._live = live
        self._owner = owner
        self._untold: dict[str, Progress] = {}
        self._something = asyncio.Event()
        live.share_progress(self._take)

    def hear(self, payload: str) -> None:
        """Take what a replica told."""
        told = json.loads(payload)
        if told["owner"] == self._owner:
            return
        for migration_id, progress in told["progress"].items():
            self._live.hear_progress(migration_id, plain.unpack(Progress, progress))

    async def run(self) -> None:
        """Tell until cancelled, at most so often."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self._database.beat(partial(_notify, payloads=self._payloads()))
            except StoreUnavailable as error:
                log.debug("store.progress_not_told", error=str(error))
            await asyncio.sleep(EVERY_S)

    def _take(self, migration_id: str, progress: Progress) -> None:
        self._untold[migration_id] = progress
        self._something.set()

    def _payloads(self) -> list[str]:
        untold, self._untold = list(self._untold.items()), {}
        return [
            self._payload(dict(untold[first : first + A_NOTIFICATION]))
            for first in range(0, len(untold), A_NOTIFICATION)
        ]

    def _payload(self, progress: dict[str, Progress]) -> str:
        packed = {key: plain.pack(value) for key, value in progress.items()}
        return json.dumps({"owner": self._owner, "progress": packed})


def _notify(connection: sa.Connection, payloads: list[str]) -> None:
    for payload in payloads:
        connection.execute(_NOTIFY, {"payload": payload})
