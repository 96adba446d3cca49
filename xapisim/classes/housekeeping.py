"""What the coordinator cleans up every 30 seconds: tasks long ended or long stuck, sessions long
unused or too many.
"""

from dataclasses import dataclass, field

from xapisim.classes.engine import Engine
from xapisim.values import Value

EVERY_S = 30.0
ENDED_TASK_S = 65 * 60.0
STUCK_TASK_S = 24 * 3600.0
"""A pending task without progress loses its row, while its work may go on."""


@dataclass(slots=True)
class Housekeeping:
    """Remembers since when each task looks as it does; a world's own tasks count from the start."""

    engine: Engine
    _since: dict[str, tuple[Value, float]] = field(default_factory=dict)

    async def run(self) -> None:
        while True:
            await self.engine.pool.clock.pause(EVERY_S)
            self.clean()

    def clean(self) -> None:
        now = self.engine.pool.clock.now()
        self._clean_tasks(now)
        self.engine.sessions.expire(now)

    def _clean_tasks(self, now: float) -> None:
        rows = self.engine.pool.database.tables["task"].rows
        self._since = {ref: seen for ref, seen in self._since.items() if ref in rows}
        for ref, row in list(rows.items()):
            looks = (row.fields["status"], row.fields["progress"])
            known, since = self._since.get(ref, (None, now))
            if known != looks:
                self._since[ref] = (looks, now)
            elif now - since > (STUCK_TASK_S if looks[0] == "pending" else ENDED_TASK_S):
                self.engine.tasks.destroy(ref)
