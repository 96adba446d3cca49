"""The pool as XAPI's events tell it: read without asking, where being 100 ms late does no harm.

What a decision hangs on is read freshly by the verbs.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hostagent.model import records


@dataclass(frozen=True, slots=True)
class Change:
    """One object that is new, different, or gone (`record` is None)."""

    kind: str
    ref: str
    record: Any
    before: Any = None


Listener = Callable[[tuple[Change, ...]], None]


class Mirror:
    """Tables by reference. Belongs to the event loop: only its thread reads and writes."""

    def __init__(self) -> None:
        self.pools: dict[str, records.PoolRecord] = {}
        self.hosts: dict[str, records.HostRecord] = {}
        self.host_metrics: dict[str, records.HostMetricsRecord] = {}
        self.vms: dict[str, records.VmRecord] = {}
        self.srs: dict[str, records.SrRecord] = {}
        self.pbds: dict[str, records.PbdRecord] = {}
        self.vbds: dict[str, records.VbdRecord] = {}
        self.vdis: dict[str, records.VdiRecord] = {}
        self.vifs: dict[str, records.VifRecord] = {}
        self.networks: dict[str, records.NetworkRecord] = {}
        self.pifs: dict[str, records.PifRecord] = {}
        self.pif_metrics: dict[str, records.PifMetricsRecord] = {}
        self.sms: dict[str, records.SmRecord] = {}
        self.guest_metrics: dict[str, records.GuestMetricsRecord] = {}
        self.guest_refs: dict[str, str] = {}  # guest metrics → VM
        self.vm_refs: dict[str, str] = {}
        self.vdi_refs: dict[str, str] = {}
        self.synced = asyncio.Event()
        self.trouble = "XAPI has not answered yet"
        self._tables: dict[str, dict[str, Any]] = {
            "pool": self.pools,
            "host": self.hosts,
            "host_metrics": self.host_metrics,
            "vm": self.vms,
            "sr": self.srs,
            "pbd": self.pbds,
            "vbd": self.vbds,
            "vdi": self.vdis,
            "vif": self.vifs,
            "network": self.networks,
            "pif": self.pifs,
            "pif_metrics": self.pif_metrics,
            "sm": self.sms,
            "vm_guest_metrics": self.guest_metrics,
        }
        self._indexes = {"vm": self.vm_refs, "vdi": self.vdi_refs}  # uuid → reference
        self._listeners: list[Listener] = []
        self._waiters: dict[str, set[asyncio.Event]] = {}

    def listen(self, listener: Listener) -> None:
        """Call `listener` after every batch of changes; after a resync with every object."""
        self._listeners.append(listener)

    def replace(self, changes: Iterable[Change]) -> None:
        """Take a full dump: what is not in it is gone."""
        told = tuple(changes)
        present = {(change.kind, change.ref) for change in told}
        gone = [
            Change(kind, ref, None)
            for kind, table in self._tables.items()
            for ref in table
            if (kind, ref) not in present
        ]
        self.apply((*gone, *told))
        self.trouble = ""
        self.synced.set()

    def apply(self, changes: Iterable[Change]) -> None:
        """Take what changed."""
        done = tuple(self._store(change) for change in changes)
        for change in done:
            for event in self._waiters.get(change.ref, ()):
                event.set()
        for listener in self._listeners:
            listener(done)

    def lost(self, why: str) -> None:
        """Remember that XAPI does not answer; what is known stays, and is old."""
        self.trouble = why

    @contextmanager
    def watching(self, ref: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the object changes."""
        event = asyncio.Event()
        self._waiters.setdefault(ref, set()).add(event)
        try:
            yield event
        finally:
            waiting = self._waiters[ref]
            waiting.discard(event)
            if not waiting:
                del self._waiters[ref]

    def _store(self, change: Change) -> Change:
        table = self._tables[change.kind]
        before = table.get(change.ref)
        if change.record is None:
            table.pop(change.ref, None)
        else:
            table[change.ref] = change.record
        index = self._indexes.get(change.kind)
        if index is not None:
            _keep(index, before, change.record)
        if change.kind == "vm" and change.record is not None and change.record.guest_metrics:
            self.guest_refs[change.record.guest_metrics] = change.ref
        elif change.kind == "vm_guest_metrics" and change.record is None:
            self.guest_refs.pop(change.ref, None)
        return Change(change.kind, change.ref, change.record, before)


def _keep(index: dict[str, str], before: Any, now: Any) -> None:
    if before is not None and (now is None or now.uuid != before.uuid):
        index.pop(before.uuid, None)
    if now is not None:
        index[now.uuid] = now.ref
