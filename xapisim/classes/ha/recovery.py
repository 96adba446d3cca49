"""HA at work: a host that nobody reaches is fenced, its guests are halted in the records and the
protected ones start elsewhere; if it led the pool, another one does.
"""

from dataclasses import dataclass, field

from xapisim.classes import machine, operations, power
from xapisim.classes.call import Call
from xapisim.classes.engine import Engine
from xapisim.classes.ha import plan
from xapisim.classes.ha.contact import can_talk, set_live
from xapisim.classes.membership import handover
from xapisim.errors import XapiError

FENCED_AFTER_S = 60.0
"""XAPI's default HA timeout."""
_LOW = 2**31


@dataclass(slots=True)
class Recovery:
    engine: Engine
    _missed: dict[str, float] = field(default_factory=dict)
    """Since when each host has been out of reach of the larger part of the pool."""
    _fenced: set[str] = field(default_factory=set)
    _homeless: list[str] = field(default_factory=list)
    """Guests of fenced hosts that don't run yet, in the order to start them."""

    async def look(self) -> None:
        """Does nothing where HA is off."""
        if not plan.is_enabled(self.engine.pool):
            self._missed.clear()
            return
        now = self.engine.pool.clock.now()
        together = self._largest_part()
        for host in self.engine.pool.database.refs("host"):
            if host in together:
                self._missed.pop(host, None)
                self._welcome(host)
            elif now - self._missed.setdefault(host, now) >= FENCED_AFTER_S:
                self._give_up(host, together)
        await self._restart()
        plan.refresh(self.engine.pool)

    def _welcome(self, host: str) -> None:
        if host in self._fenced:
            self._fenced.discard(host)
            set_live(self.engine.pool, host, live=True)

    def _largest_part(self) -> set[str]:
        """The hosts that stay: the most that reach each other; of equals, the coordinator's."""
        pool = self.engine.pool
        hosts = pool.database.refs("host")
        parts = [
            {other for other in hosts if other == host or can_talk(pool, host, other)}
            for host in hosts
            if not pool.reachability.is_away(host)
        ]
        return max(parts, key=lambda part: (len(part), pool.coordinator in part), default=set())

    def _give_up(self, host: str, together: set[str]) -> None:
        """A host that lost its peers resets itself, so that its guests can't run twice."""
        if host in self._fenced or not together:
            return
        self._fenced.add(host)
        pool = self.engine.pool
        if host not in pool.dead:
            machine.lose_power(self.engine, host)
            pool.spawn(machine.get_power(self.engine, host))
        if host == pool.coordinator:
            handover.take_over(self.engine, min(together))
        set_live(pool, host, live=False)
        self._note_guests(host)

    def _note_guests(self, host: str) -> None:
        db = self.engine.pool.database
        for vm in list(db.read("host", host, "resident_VMs")):
            fields = db.record("VM", vm)
            if not fields["is_control_domain"]:
                operations.halt(self.engine.pool, vm)
                if fields["ha_restart_priority"]:
                    self._homeless.append(vm)
        self._homeless.sort(key=self._rank)

    def _rank(self, vm: str) -> tuple[bool, int]:
        """Protected ones first, each kind by its start order; 0 is last."""
        fields = self.engine.pool.database.row("VM", vm).fields
        return fields["ha_restart_priority"] != plan.PROTECTED, fields["order"] or _LOW

    async def _restart(self) -> None:
        """Who finds no place is tried again, unless it was to be tried once."""
        pool = self.engine.pool
        if pool.clock.now() < self.engine.members.no_restarts_until:
            return
        waiting, self._homeless = self._homeless, []
        for vm in waiting:
            row = pool.database.tables["VM"].rows.get(vm)
            if row is None or row.fields["power_state"] != "Halted":
                continue
            if not await self._start(vm) and row.fields["ha_restart_priority"] == plan.PROTECTED:
                self._homeless.append(vm)

    async def _start(self, vm: str) -> bool:
        task = self.engine.tasks.create("VM.start", self.engine.pool.coordinator)
        try:
            await power.start(
                Call(self.engine, self.engine.pool.coordinator, "", task), vm, False, True
            )
        except XapiError:
            return False
        finally:
            self.engine.tasks.destroy(task)
        return True
