"""XAPI as anybody else sees it: an unmodified XenAPI client that knows nothing of xenferry."""

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import XenAPI

from deploy.demo import stack as stacks

POLL_S = 1.0


def coordinators(urls: Iterable[str]) -> list[str]:
    """Return those of some addresses that are a pool's coordinator: members send one away."""
    return [url for url in urls if _is_coordinator(url)]


def _is_coordinator(url: str) -> bool:
    try:
        with session(url):
            return True
    except XenAPI.Failure as failure:
        if failure.details[0] != "HOST_IS_SLAVE":
            raise
        return False


@contextmanager
def session(url: str) -> Iterator[Any]:
    """Yield a session with a coordinator's XAPI."""
    opened = _log_in(url)
    try:
        yield opened.xenapi
    finally:
        opened.xenapi.session.logout()


def _log_in(url: str) -> Any:
    opened = XenAPI.Session(url)
    opened.xenapi.login_with_password(*stacks.LOGIN, "1.0", "demo reader")
    return opened


@dataclass(frozen=True, slots=True)
class Placement:
    """A guest as XAPI shows it."""

    uuid: str
    name: str
    host: str
    """uuid of the host that it runs on; empty when it does not run."""
    operations: Mapping[str, str]
    other_config: Mapping[str, str]


def placements(xenapi: Any) -> list[Placement]:
    """Return every guest of a pool."""
    hosts = {ref: record["uuid"] for ref, record in xenapi.host.get_all_records().items()}
    found = []
    for record in xenapi.VM.get_all_records().values():
        if record["is_control_domain"] or record["is_a_template"]:
            continue
        runs = record["power_state"] in ("Running", "Paused")
        host = hosts.get(record["resident_on"], "") if runs else ""
        operations, config = record["current_operations"], record["other_config"]
        found.append(Placement(record["uuid"], record["name_label"], host, operations, config))
    return found


@dataclass(frozen=True, slots=True)
class Sighting:
    """When a guest was first seen on a host."""

    time: dt.datetime
    host: str


@dataclass(slots=True)
class Reader:
    """Follows one guest through XAPI's events, on a thread of its own."""

    url: str
    vm: str
    sightings: list[Sighting] = field(default_factory=list)
    _seen: threading.Condition = field(default_factory=threading.Condition)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Reader":
        began = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(began,), daemon=True)
        self._thread.start()
        began.wait(stacks.CALL_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(stacks.CALL_S)

    def wait_for(self, host: str, timeout_s: float) -> bool:
        """Wait until it was last seen on a host; tell whether it was."""
        with self._seen:
            return self._seen.wait_for(lambda: self._last == host, timeout_s)

    @property
    def _last(self) -> str:
        return self.sightings[-1].host if self.sightings else ""

    def _follow(self, began: threading.Event) -> None:
        with session(self.url) as xenapi:
            names = {ref: xenapi.host.get_name_label(ref) for ref in xenapi.host.get_all()}
            token = ""
            while not self._stop.is_set():
                batch = xenapi.event_from(["vm"], token, POLL_S)
                token = batch["token"]
                for event in batch["events"]:
                    self._look(event.get("snapshot"), names)
                began.set()

    def _look(self, record: Any, names: Mapping[str, str]) -> None:
        if not record or self.vm not in (record["name_label"], record["uuid"]):
            return
        host = names.get(record["resident_on"], "nowhere")
        if self._last != host:
            now = dt.datetime.now(tz=dt.UTC).astimezone()
            with self._seen:
                self.sightings.append(Sighting(now, host))
                self._seen.notify_all()
