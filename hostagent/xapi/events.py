"""The one thread that asks XAPI for events, for as long as the agent lives."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from hostagent.xapi import login, parse
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError
from hostagent.xapi.mirror import Change, Mirror

log = structlog.get_logger()

POLL_S = 30.0
# XAPI answers a poll late by its own delays; the socket must outlive them.
MARGIN_S = 20.0
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class EventPump:
    """Keeps the mirror true. After any trouble it asks for everything again (token ""): after a
    failover an old token may name a later time than the database has, and would say nothing.
    """

    def __init__(self, client: Client, mirror: Mirror, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._mirror = mirror
        self._loop = loop
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xapi-events", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; the client's `close` wakes the poll that is under way."""
        self._stopping.set()

    def _run(self) -> None:
        token = ""
        failures = 0
        while not self._stopping.is_set():
            try:
                token = self._poll(token)
                failures = 0
            except XapiError as error:
                token = ""
                self._tell_lost(error, failures)
                self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1

    def _poll(self, token: str) -> str:
        reply = self._client.read_now(
            "event.from", list(parse.MIRRORED), token, POLL_S, timeout_s=POLL_S + MARGIN_S
        )
        changes = _changes(reply["events"])
        if not token:
            self._post(self._mirror.replace, changes)
            addresses = [change.record.address for change in changes if change.kind == "host"]
            self._client.login.know_members(address for address in addresses if address)
        elif changes:
            self._post(self._mirror.apply, changes)
        return str(reply["token"])

    def _tell_lost(self, error: XapiError, failures: int) -> None:
        if self._stopping.is_set():
            return
        if failures == 0:
            log.warning("xapi.lost", why=login.describe(error))
        self._post(self._mirror.lost, login.describe(error))

    def _post(self, target: Any, argument: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(target, argument)


def _changes(events: Sequence[Mapping[str, Any]]) -> list[Change]:
    changes = []
    for event in events:
        kind, ref = event["class"].lower(), event["ref"]
        read = parse.MIRRORED.get(kind)
        if read is None:
            continue
        snapshot = event.get("snapshot")
        if event["operation"] == "del" or snapshot is None:
            changes.append(Change(kind, ref, None))
        else:
            changes.append(Change(kind, ref, read(ref, snapshot)))
    return changes
