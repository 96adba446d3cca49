"""The machines' doors: they open and shut as their toolstacks come and go, in whatever pool they
are.
"""

from dataclasses import dataclass, field

from xapisim.classes.engine import Engine, Seat
from xapisim.classes.ha.heartbeats import Heartbeats
from xapisim.classes.housekeeping import Housekeeping
from xapisim.server.endpoint import Endpoint


@dataclass(slots=True, eq=False)
class Machines:
    _doors: list[tuple[Seat, Endpoint]] = field(default_factory=list)

    def add(self, seat: Seat, endpoint: Endpoint) -> None:
        self._doors.append((seat, endpoint))

    async def open(self, seat: Seat) -> None:
        for owner, endpoint in self._doors:
            if owner is seat:
                await endpoint.open()

    def shut(self, seat: Seat) -> None:
        """To clients alone; the host and its guests notice nothing."""
        for owner, endpoint in self._doors:
            if owner is seat:
                endpoint.cut()

    def drop_connections(self, seat: Seat) -> None:
        for owner, endpoint in self._doors:
            if owner is seat:
                endpoint.drop_connections()

    def watch(self, engine: Engine) -> None:
        """Follows a pool's hosts, and starts what its coordinator does by itself."""

        def changed(host: str, reachable: bool) -> None:
            for seat, endpoint in self._doors:
                if seat.engine is engine and seat.host == host:
                    if reachable:
                        engine.pool.spawn(endpoint.open())
                    else:
                        endpoint.cut()

        engine.pool.reachability.listeners.append(changed)
        engine.pool.spawn(Housekeeping(engine).run())
        engine.pool.spawn(Heartbeats(engine).run())
