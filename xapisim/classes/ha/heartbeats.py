"""What hosts notice about each other: without HA, ten minutes of silence make a host dead in the
records and nothing else; a member that can't reach its coordinator goes into emergency mode.
"""

from dataclasses import dataclass, field

from xapisim.classes.engine import Engine
from xapisim.classes.ha.contact import can_talk, set_live
from xapisim.classes.ha.recovery import Recovery
from xapisim.errors import XapiError

EVERY_S = 30.0
DEAD_AFTER_S = 600.0
"""XAPI's host_assumed_dead_interval (xapi.md A13)."""
EMERGENCY_AFTER_S = 60.0
"""A member's attempts to reach its coordinator, before it restarts without one (inferred)."""


@dataclass(slots=True)
class Heartbeats:
    engine: Engine
    _heard: dict[str, float] = field(default_factory=dict)
    """When the coordinator last heard of each member."""
    _followed: dict[str, float] = field(default_factory=dict)
    """When each member last reached its coordinator."""
    _silent: set[str] = field(default_factory=set)
    _recovery: Recovery = field(init=False)

    def __post_init__(self) -> None:
        self._recovery = Recovery(self.engine)

    async def run(self) -> None:
        while True:
            await self.engine.pool.clock.pause(EVERY_S)
            self.beat()
            await self._recovery.look()

    def beat(self) -> None:
        now = self.engine.pool.clock.now()
        self._judge_members(now)
        self._judge_coordinators(now)

    def _judge_members(self, now: float) -> None:
        """A coordinator that comes back starts to count anew."""
        pool = self.engine.pool
        if pool.reachability.is_away(pool.coordinator):
            self._heard.clear()
            return
        for host in pool.database.refs("host"):
            if host == pool.coordinator or self._can_talk(host, pool.coordinator):
                self._heard[host] = now
                if host in self._silent:
                    self._set_live(host, live=True)
            elif now - self._heard.setdefault(host, now) > DEAD_AFTER_S:
                self._set_live(host, live=False)

    def _judge_coordinators(self, now: float) -> None:
        members = self.engine.members
        for host in self.engine.pool.database.refs("host"):
            coordinator = members.coordinator_of(host)
            is_down = self.engine.pool.reachability.is_away(host)
            if is_down or host == coordinator or self._can_talk(host, coordinator):
                self._followed[host] = now
                members.leave_emergency(host)
            elif now - self._followed.setdefault(host, now) > EMERGENCY_AFTER_S:
                members.enter_emergency(host, XapiError("HOST_STILL_BOOTING"))

    def _can_talk(self, one: str, other: str) -> bool:
        return can_talk(self.engine.pool, one, other)

    def _set_live(self, host: str, *, live: bool) -> None:
        if live:
            self._silent.discard(host)
        else:
            self._silent.add(host)
        set_live(self.engine.pool, host, live=live)
