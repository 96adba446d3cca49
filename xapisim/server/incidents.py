"""Faults that befall whole hosts: they are carried out here, when they are armed and when they are
lifted.
"""

from xapisim.classes import toolstack
from xapisim.classes.engine import Engine
from xapisim.faults.model import Fault


class Incidents:
    """Listens to the armed faults on behalf of one pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.pool.faults.listeners.append(self._on_fault)

    def _on_fault(self, fault: Fault, armed: bool) -> None:
        if fault.fault not in ("host_offline", "restart_toolstack"):
            return
        for ref in self._named(fault.host):
            self._carry_out(fault, ref, armed=armed)

    def _named(self, name: str) -> list[str]:
        db = self._engine.pool.database
        return [
            row.ref
            for row in db.rows("host")
            if name in (row.fields["name_label"], row.fields["uuid"])
        ]

    def _carry_out(self, fault: Fault, host: str, *, armed: bool) -> None:
        pool = self._engine.pool
        if fault.fault == "restart_toolstack":
            if armed:
                pool.spawn(toolstack.restart(self._engine, host))
        elif armed:
            pool.reachability.take_away(host)
        else:
            pool.reachability.bring_back(host)
