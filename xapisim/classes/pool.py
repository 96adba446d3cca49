"""The rooms of one pool: database, hypervisor, clock, faults and the jobs under way, in one place
to hand around.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from xapisim.clock import Clock
from xapisim.database import saved
from xapisim.database.database import Database
from xapisim.database.saved import Saved
from xapisim.faults.registry import Faults
from xapisim.hypervisor import Hypervisor
from xapisim.ids import Ids
from xapisim.values import Value
from xapisim.world.model import User


@dataclass(frozen=True, slots=True)
class VmLoad:
    """How a guest behaves while its memory is copied."""

    dirty_rate_mib_s: float = 5.0
    touched_fraction: float = 0.6


@dataclass(frozen=True, slots=True)
class Account:
    user: str
    password: str


@dataclass(slots=True, eq=False)
class Reachability:
    """Which hosts answer on the network; endpoints and migrations look here."""

    _away: dict[str, int] = field(default_factory=dict)
    listeners: list[Callable[[str, bool], None]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def is_away(self, host_ref: str) -> bool:
        return host_ref in self._away

    def take_away(self, host_ref: str) -> None:
        self._away[host_ref] = self._away.get(host_ref, 0) + 1
        if self._away[host_ref] == 1:
            self._tell(host_ref, reachable=False)

    def bring_back(self, host_ref: str) -> None:
        left = self._away.get(host_ref, 0) - 1
        if left > 0:
            self._away[host_ref] = left
        elif self._away.pop(host_ref, None) is not None:
            self._tell(host_ref, reachable=True)

    def changed(self) -> Coroutine[None, None, bool]:
        """Waits for the next host that goes or comes back, counted from this very moment."""
        return self._changed.wait()

    def _tell(self, host_ref: str, *, reachable: bool) -> None:
        for listener in self.listeners:
            listener(host_ref, reachable)
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(slots=True, eq=False)
class Pool:
    """`endpoints` maps a host's ref to the address that a client can reach in the simulator."""

    database: Database
    hypervisor: Hypervisor
    clock: Clock
    ids: Ids
    faults: Faults
    account: Account
    endpoints: dict[str, str] = field(default_factory=dict)
    loads: dict[str, VmLoad] = field(default_factory=dict)
    nic_mbps: dict[str, float] = field(default_factory=dict)
    without_tools: frozenset[str] = frozenset()
    users: dict[str, User] = field(default_factory=dict)
    """Beside root, by name."""
    reachability: Reachability = field(default_factory=Reachability)
    messages: dict[str, list[tuple[str, dict[str, Value]]]] = field(default_factory=dict)
    """On the disks of hosts that were coordinators: refs and fields."""
    dead: dict[str, str] = field(default_factory=dict)
    """Hosts without power, and their uuids."""
    old_state: Saved | None = None
    """What a database holds that is flushed no more: a crash goes back to it (a fault)."""
    jobs: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def ref(self) -> str:
        return next(iter(self.database.tables["pool"].rows))

    @property
    def coordinator(self) -> str:
        """The ref of the host that decides for the pool."""
        master: str = self.database.read("pool", self.ref, "master")
        return master

    @property
    def software(self) -> dict[str, str]:
        """What the coordinator runs."""
        version: dict[str, str] = self.database.read("host", self.coordinator, "software_version")
        return version

    def host_name(self, ref: str) -> str:
        name: str = self.database.read("host", ref, "name_label")
        return name

    def host_names(self, ref: str) -> frozenset[str]:
        """How a fault may call this host; one that is no more has no names."""
        row = self.database.tables["host"].rows.get(ref)
        if row is None:
            return frozenset()
        return frozenset({row.fields["name_label"], row.fields["uuid"]})

    def vm_names(self, ref: str) -> frozenset[str]:
        """How a fault may call this VM."""
        fields = self.database.row("VM", ref).fields
        return frozenset({fields["name_label"], fields["uuid"]})

    def add(self, class_name: str, fields: dict[str, Value]) -> str:
        """Inserts an object with a fresh ref and, unless given, a fresh uuid."""
        complete = {"uuid": self.ids.fresh_uuid(), **fields}
        return self.database.insert(class_name, self.ids.fresh_ref(), complete)

    def keep_old_state(self) -> None:
        self.old_state = saved.save(self.database)

    def forget_old_state(self) -> None:
        self.old_state = None

    def return_to_old_state(self) -> None:
        """What a coordinator does that starts from its disk: nothing is lost without a fault."""
        if self.old_state is not None:
            saved.restore(self.database, self.old_state)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Runs work beside the calls; it is cancelled when the simulator ends."""
        job = asyncio.get_running_loop().create_task(work)
        self.jobs.add(job)
        job.add_done_callback(self.jobs.discard)
