"""The armed faults of a simulator, and the question its parts ask: does one strike here?"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from xapisim.faults.model import Fault

Listener = Callable[[Fault, bool], None]
"""Called with a fault and True when it is armed, False when it is lifted."""


class Faults:
    def __init__(self) -> None:
        self._armed: dict[str, Fault] = {}
        self._numbers = 0
        self._changed = asyncio.Event()
        self.listeners: list[Listener] = []

    def __bool__(self) -> bool:
        return bool(self._armed)

    def armed(self) -> list[Fault]:
        return list(self._armed.values())

    def arm(self, fault: Fault) -> Fault:
        self._numbers += 1
        fault.id = f"fault-{self._numbers}"
        self._armed[fault.id] = fault
        self._tell(fault, armed=True)
        return fault

    def lift(self, identity: str) -> bool:
        fault = self._armed.pop(identity, None)
        if fault is None:
            return False
        self._tell(fault, armed=False)
        return True

    def lift_all(self) -> None:
        for identity in list(self._armed):
            self.lift(identity)

    def _tell(self, fault: Fault, *, armed: bool) -> None:
        for listener in self.listeners:
            listener(fault, armed)
        self._changed.set()
        self._changed = asyncio.Event()

    def changed(self) -> Coroutine[None, None, bool]:
        """Waits for the next fault that is armed or lifted, counted from this very moment."""
        return self._changed.wait()

    def for_call(self, name: str, method: str, host: str) -> Fault | None:
        """The fault of that name that strikes this call; counts it."""
        return self._struck(
            fault
            for fault in self._armed.values()
            if fault.fault == name and fault.method == method and fault.host in ("", host)
        )

    def for_migration(self, name: str, phase: str, vm: frozenset[str]) -> Fault | None:
        """The fault of that name that strikes this VM (known by name and uuid) in this phase;
        counts it.
        """
        return self._struck(
            fault
            for fault in self._armed.values()
            if fault.fault == name and fault.phase == phase and (not fault.vm or fault.vm in vm)
        )

    def for_mirror(self, vm: frozenset[str], progress: float) -> Fault | None:
        """The fault that breaks this VM's disk copy now that it has come this far; counts it."""
        return self._struck(
            fault
            for fault in self._armed.values()
            if fault.fault == "mirror_fail"
            and (not fault.vm or fault.vm in vm)
            and progress >= fault.at_progress
        )

    def for_sr(self, name: str, sr: frozenset[str]) -> Fault | None:
        """The fault of that name that strikes this SR (known by name and uuid); counts it."""
        return self._struck(
            fault for fault in self._armed.values() if fault.fault == name and fault.sr in sr
        )

    def is_armed(self, name: str) -> bool:
        """Whether a fault that strikes everywhere is on."""
        return any(fault.fault == name for fault in self._armed.values())

    def for_host(self, name: str, host: frozenset[str]) -> Fault | None:
        """The fault of that name on this host (known by name and uuid); counts it."""
        return self._struck(
            fault for fault in self._armed.values() if fault.fault == name and fault.host in host
        )

    def for_whole_host(self, name: str, host: str) -> Fault | None:
        """The fault of that name on the host of that name, whatever is called there."""
        for fault in self._armed.values():
            if fault.fault == name and fault.host == host:
                return fault
        return None

    def cuts(self, plane: str, one: frozenset[str], other: frozenset[str]) -> bool:
        """Whether a partition keeps these two hosts apart (each known by name and uuid); one that
        names a single host keeps it from all others.
        """
        return any(
            _parts(fault, one, other) or _parts(fault, other, one)
            for fault in self._armed.values()
            if fault.fault == "partition" and fault.plane == plane
        )

    @staticmethod
    def _struck(matching: Iterable[Fault]) -> Fault | None:
        for fault in matching:
            fault.seen += 1
            if fault.nth in (0, fault.seen):
                return fault
        return None

    def holds(self, phase: str, vm: frozenset[str]) -> bool:
        return any(
            fault.fault == "hold" and fault.phase == phase and (not fault.vm or fault.vm in vm)
            for fault in self._armed.values()
        )


def _parts(fault: Fault, one: frozenset[str], other: frozenset[str]) -> bool:
    return fault.host in one and one != other and (not fault.other or fault.other in other)
