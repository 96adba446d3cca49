"""The moving parts of one pool on top of its rooms: sessions, events, tasks, queues and
migrations; and the machines of the whole simulator, which can go from one pool to another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from xapisim.classes.event_queues import EventQueues
from xapisim.classes.events import Events
from xapisim.classes.gates import Gates
from xapisim.classes.members import Members
from xapisim.classes.migration.link import Links
from xapisim.classes.migration.state import Migrations
from xapisim.classes.pool import Pool
from xapisim.classes.sessions import Sessions
from xapisim.classes.tasks import Tasks
from xapisim.classes.xenmotion.sends import Sends


@dataclass(slots=True, eq=False)
class Seat:
    """A machine with its addresses, the pool that it serves now, and its host record there."""

    name: str
    engine: "Engine"
    host: str
    addresses: set[str] = field(default_factory=set)
    """Where clients reach it, the plain endpoint and others."""
    endpoint: str = ""
    follows_endpoint: bool = True
    """Whether its host.address is the endpoint, or what a real database said."""


@dataclass(slots=True, eq=False)
class Site:
    """All machines of the simulator and all its pools; both are the same for every pool."""

    seats: list[Seat] = field(default_factory=list)
    pools: dict[str, "Engine"] = field(default_factory=dict)
    plugins: dict[str, Path] = field(default_factory=dict)
    """Programs in the hosts' control domains, by the plug-in's name."""
    on_founded: list[Callable[["Engine"], None]] = field(default_factory=list)
    """Called with a pool that comes into being while the simulator runs."""

    def seat(self, engine: "Engine", host: str) -> Seat | None:
        for seat in self.seats:
            if seat.engine is engine and seat.host == host:
                return seat
        return None

    def drop(self, engine: "Engine") -> None:
        """A pool without hosts is none."""
        for name in [name for name, pool in self.pools.items() if pool is engine]:
            del self.pools[name]
        for job in list(engine.pool.jobs):
            job.cancel()

    def add(self, name: str, engine: "Engine") -> None:
        self.pools[name] = engine
        engine.site = self
        for tell in self.on_founded:
            tell(engine)


@dataclass(slots=True, eq=False)
class Engine:
    pool: Pool
    tasks: Tasks
    events: Events
    sessions: Sessions
    gates: Gates
    links: Links
    queues: EventQueues
    members: Members
    migrations: Migrations = field(default_factory=Migrations)
    sends: Sends = field(default_factory=Sends)
    site: Site = field(default_factory=Site)

    @property
    def neighbours(self) -> dict[str, "Engine"]:
        """All pools of the simulator, this one among them; a VM can be sent there."""
        return self.site.pools


def start(pool: Pool) -> Engine:
    tasks = Tasks(pool)
    events = Events(pool.database)
    members = Members(pool)
    sessions = Sessions(pool, events, members)
    return Engine(
        pool,
        tasks,
        events,
        sessions,
        Gates(pool, tasks),
        Links(pool),
        EventQueues(events),
        members,
    )
