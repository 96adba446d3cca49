"""The moving parts of one pool on top of its rooms: sessions, events, tasks, queues and
migrations.
"""

from dataclasses import dataclass, field

from xapisim.classes.events import Events
from xapisim.classes.gates import Gates
from xapisim.classes.migration.link import Links
from xapisim.classes.migration.state import Migrations
from xapisim.classes.pool import Pool
from xapisim.classes.sessions import Sessions
from xapisim.classes.tasks import Tasks


@dataclass(slots=True, eq=False)
class Engine:
    pool: Pool
    tasks: Tasks
    events: Events
    sessions: Sessions
    gates: Gates
    links: Links
    migrations: Migrations = field(default_factory=Migrations)


def start(pool: Pool) -> Engine:
    tasks = Tasks(pool)
    events = Events(pool.database)
    sessions = Sessions(pool, events)
    return Engine(pool, tasks, events, sessions, Gates(pool, tasks), Links(pool))
