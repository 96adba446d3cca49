"""The moving parts of one pool on top of its rooms: sessions, events, tasks, queues and
migrations.
"""

from dataclasses import dataclass, field

from xapisim.classes.event_queues import EventQueues
from xapisim.classes.events import Events
from xapisim.classes.gates import Gates
from xapisim.classes.migration.link import Links
from xapisim.classes.migration.state import Migrations
from xapisim.classes.pool import Pool
from xapisim.classes.sessions import Sessions
from xapisim.classes.tasks import Tasks
from xapisim.classes.xenmotion.sends import Sends


@dataclass(slots=True, eq=False)
class Engine:
    pool: Pool
    tasks: Tasks
    events: Events
    sessions: Sessions
    gates: Gates
    links: Links
    queues: EventQueues
    migrations: Migrations = field(default_factory=Migrations)
    sends: Sends = field(default_factory=Sends)
    neighbours: dict[str, "Engine"] = field(default_factory=dict)
    """All pools of the simulator, this one among them; a VM can be sent there."""


def start(pool: Pool) -> Engine:
    tasks = Tasks(pool)
    events = Events(pool.database)
    sessions = Sessions(pool, events)
    return Engine(
        pool, tasks, events, sessions, Gates(pool, tasks), Links(pool), EventQueues(events)
    )
