"""Faults that befall whole hosts: they are carried out here, when they are armed and when they are
lifted.
"""

from collections.abc import Callable, Iterator

from xapisim.classes import accidents, machine, toolstack
from xapisim.classes.engine import Seat, Site
from xapisim.classes.membership import handover
from xapisim.faults.model import Fault
from xapisim.faults.registry import Faults
from xapisim.server.machines import Machines

_Act = Callable[[Seat, Fault], None]


class Incidents:
    """Listens to the armed faults on behalf of all pools."""

    def __init__(self, site: Site, faults: Faults, machines: Machines) -> None:
        self._site = site
        self._machines = machines
        self._armed: dict[str, _Act] = {
            "host_offline": lambda seat, _: seat.engine.pool.reachability.take_away(seat.host),
            "host_death": lambda seat, _: machine.lose_power(seat.engine, seat.host),
            "restart_toolstack": self._restart,
            "coordinator_failover": lambda seat, _: handover.fail_over(seat.engine, seat.host),
            "drop_connections": lambda seat, _: machines.drop_connections(seat),
            "stale_database": lambda seat, _: seat.engine.pool.keep_old_state(),
            "ghost_operation": lambda seat, fault: accidents.haunt(seat, fault.vm),
            "duplicate_vm": lambda seat, fault: accidents.duplicate(seat, fault.vm),
            "partition": self._part,
        }
        self._lifted: dict[str, _Act] = {
            "host_offline": lambda seat, _: seat.engine.pool.reachability.bring_back(seat.host),
            "host_death": self._power_on,
            "stale_database": lambda seat, _: seat.engine.pool.forget_old_state(),
            "partition": self._heal,
        }
        faults.listeners.append(self._on_fault)

    def _on_fault(self, fault: Fault, armed: bool) -> None:
        act = (self._armed if armed else self._lifted).get(fault.fault)
        if act is not None:
            for seat in self._named(fault.host):
                act(seat, fault)
        for engine in self._site.pools.values():
            if armed and fault.fault == "session_evict":
                engine.sessions.evict(fault.originator)
            if armed and fault.fault == "orphan_vdi":
                accidents.leave_orphan(engine, fault.sr, fault.name)
            if armed and fault.fault == "lost_vdi":
                accidents.lose_disk(engine, fault.vdi)

    def _named(self, name: str) -> Iterator[Seat]:
        for seat in list(self._site.seats):
            if name in {seat.name, *seat.engine.pool.host_names(seat.host)}:
                yield seat

    @staticmethod
    def _restart(seat: Seat, _: Fault) -> None:
        seat.engine.pool.spawn(toolstack.restart(seat.engine, seat.host))

    @staticmethod
    def _power_on(seat: Seat, _: Fault) -> None:
        seat.engine.pool.spawn(machine.get_power(seat.engine, seat.host))

    def _part(self, seat: Seat, fault: Fault) -> None:
        """Between hosts, those who would talk look at the fault themselves."""
        if fault.plane == "client":
            self._machines.shut(seat)

    def _heal(self, seat: Seat, fault: Fault) -> None:
        if fault.plane == "client":
            seat.engine.pool.spawn(self._machines.open(seat))
