"""From a world to a running pool: fills the database, starts the domains, computes what XAPI
computes at start.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from xapisim.classes import engine as engines
from xapisim.classes import memory, operations
from xapisim.classes.engine import Engine
from xapisim.classes.pool import Account, Pool, VmLoad
from xapisim.clock import Clock, Pace, Timeline
from xapisim.database.database import Database
from xapisim.dispatch import releases
from xapisim.faults.registry import Faults
from xapisim.hypervisor import DomainState, Hypervisor
from xapisim.ids import Ids
from xapisim.schema.load import schema
from xapisim.world.model import World

_STATES = {"Running": DomainState.RUNNING, "Paused": DomainState.PAUSED}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decides for all pools.

    The seed decides the world's refs and uuids; sessions and tasks are new in every run, as a
    handle from before a restart must not fit one from after it.
    """

    account: Account
    time_factor: float = 1.0
    seed: int = 0
    pace: Pace = Pace.AUTO
    timeline: Timeline = field(default_factory=Timeline)
    """The one time of all pools that are stepped."""
    monotonic: Callable[[], float] = time.monotonic
    """The time of the event loop."""


def build(world: World, settings: Settings, faults: Faults) -> Engine:
    database = Database(schema())
    database.generation = world.generation
    software = _software(world)
    database.hide(releases.later_fields(software), releases.later_classes(software))
    for class_name, records in world.records.items():
        for ref, fields in records.items():
            database.insert(class_name, ref, fields)
    pool = Pool(
        database=database,
        hypervisor=Hypervisor(),
        clock=_clock(world, settings),
        ids=Ids(settings.seed, f"run/{uuid.uuid4()}"),
        faults=faults,
        account=settings.account,
        loads={vm: VmLoad(*load) for vm, load in world.loads.items()},
        nic_mbps=world.nic_mbps,
        without_tools=frozenset(world.without_tools),
        users=world.users,
    )
    _start_domains(pool, keeps_operations=world.keeps_operations)
    return engines.start(pool)


def _software(world: World) -> dict[str, str]:
    """What the coordinator runs."""
    pool = next(iter(world.records["pool"].values()))
    coordinator = world.records["host"].get(pool["master"], {})
    software: dict[str, str] = coordinator.get("software_version", {})
    return software


def _clock(world: World, settings: Settings) -> Clock:
    stepped = world.stepped or settings.pace is Pace.STEPPED
    timeline = settings.timeline if stepped else None
    return Clock(
        settings.time_factor,
        instant=world.instant,
        timeline=timeline,
        monotonic=settings.monotonic,
    )


def _start_domains(pool: Pool, *, keeps_operations: bool) -> None:
    for row in list(pool.database.rows("VM")):
        fields = row.fields
        if not fields["memory_overhead"]:
            pool.database.update("VM", row.ref, memory_overhead=memory.overhead_bytes(fields))
        state = _STATES.get(fields["power_state"])
        on_a_host = pool.database.has("host", fields["resident_on"])
        if state and on_a_host and not fields["is_control_domain"]:
            host = pool.database.read("host", fields["resident_on"], "uuid")
            known = max(fields["domid"], 0)
            domain = pool.hypervisor.create(fields["uuid"], host, state, known)
            pool.database.update("VM", row.ref, domid=domain.domid)
        if not (keeps_operations and fields["allowed_operations"]):
            operations.refresh(pool, row.ref)
