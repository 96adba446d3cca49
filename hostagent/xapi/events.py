"""The one thread that asks XAPI for events, for as long as the agent lives."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from hostagent.model import metrics
from hostagent.xapi import login, parse
from hostagent.xapi.ages import Ages
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError, XapiUnavailable
from hostagent.xapi.mirror import Change, Mirror

log = structlog.get_logger()

POLL_S = 30.0
# XAPI answers a poll late by its own delays; the socket must outlive them.
MARGIN_S = 20.0
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)

_ages = Ages()
metrics.MIRROR_AGE.set_function(_ages.oldest_s)


class Counts:
    """How many objects of each class are known: XAPI remembers only the last few hundred deletions
    of a class, so one may be missed (XAPI A7).
    """

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {kind: set() for kind in parse.MIRRORED}
        self.differed = False

    def note(self, changes: Sequence[Change]) -> None:
        """Take what a poll brought."""
        for change in changes:
            if change.record is None:
                self._known[change.kind].discard(change.ref)
            else:
                self._known[change.kind].add(change.ref)

    def compare(self, told: Mapping[str, int]) -> bool:
        """Tell whether what is known differs from what XAPI counts for the second time running."""
        differs = any(told.get(kind, len(refs)) != len(refs) for kind, refs in self._known.items())
        twice = differs and self.differed
        self.differed = differs and not twice
        return twice


class EventPump:
    """Keeps the mirror true. After any trouble it asks for everything again (token ""): after a
    failover an old token may name a later time than the database has, and would say nothing.
    """

    def __init__(self, client: Client, mirror: Mirror, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._mirror = mirror
        self._loop = loop
        self._stopping = threading.Event()
        self._counts = Counts()
        self._sessions = 0
        self._thread = threading.Thread(target=self._run, name="xapi-events", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        _ages.told(self)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; the client's `close` wakes the poll that is under way."""
        self._stopping.set()
        _ages.forget(self)

    def _run(self) -> None:
        token = ""
        why = "begin"
        failures = 0
        while not self._stopping.is_set():
            try:
                if not token:
                    metrics.MIRROR_RESYNCS.labels(why).inc()
                token = self._poll(self._still_good(token))
                why = "counts"
                failures = 0
            except XapiError as error:
                token, why = "", "lost"
                self._tell_lost(error, failures)
                self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1

    def _still_good(self, token: str) -> str:
        """Return the token; raises XapiError when its session is not the one in use any more."""
        self._client.login.current()
        made, self._sessions = self._sessions, self._client.login.made
        if token and made != self._sessions:
            raise XapiUnavailable("event.from", "its session is another one now")
        return token

    def _poll(self, token: str) -> str:
        """Return the next token; empty when the mirror and XAPI don't know the same objects.

        Counts that differ once are looked at again at once: they may be of a later moment.
        """
        wait_s = 0.0 if self._counts.differed else POLL_S
        reply = self._client.once_now(
            "event.from", list(parse.MIRRORED), token, wait_s, timeout_s=wait_s + MARGIN_S
        )
        changes = _changes(reply["events"])
        if not self._stopping.is_set():
            _ages.told(self)
        if not token:
            self._counts = Counts()
            self._post(self._mirror.replace, changes)
            addresses = [change.record.address for change in changes if change.kind == "host"]
            self._client.login.know_members(address for address in addresses if address)
        elif changes:
            self._post(self._mirror.apply, changes)
        self._counts.note(changes)
        again = self._counts.compare(reply["valid_ref_counts"])
        return "" if again and token else str(reply["token"])

    def _tell_lost(self, error: XapiError, failures: int) -> None:
        if self._stopping.is_set():
            return
        metrics.EVENT_RECONNECTS.inc()
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
