"""What each toolstack of a pool knows about its coordinator: who that is, whether it answers, and
the emergency mode of those that can't reach it.
"""

import asyncio
from dataclasses import dataclass, field

from xapisim.classes.pool import Pool
from xapisim.errors import XapiError

EMERGENCY_CALLS = frozenset(
    {
        "session.slave_local_login_with_password",
        "session.local_logout",
        "host.is_in_emergency_mode",
        "host.emergency_ha_disable",
        "host.restart_agent",
        "host.shutdown_agent",
        "pool.emergency_transition_to_master",
        "pool.emergency_reset_master",
        "pool.is_slave",
    }
)
"""What a host in emergency mode still answers (xapi.md A3)."""


@dataclass(slots=True, eq=False)
class Members:
    _pool: Pool
    _followed: dict[str, str] = field(default_factory=dict)
    """Hosts that follow another coordinator than the database names."""
    _emergencies: dict[str, XapiError] = field(default_factory=dict)
    _connecting: dict[str, asyncio.Event] = field(default_factory=dict)
    no_restarts_until: float = 0.0
    """Until then HA starts no guest."""

    def coordinator_of(self, host: str) -> str:
        """Whom this host takes for the coordinator."""
        return self._followed.get(host, self._pool.coordinator)

    def follow(self, host: str, coordinator: str) -> None:
        if coordinator == self._pool.coordinator:
            self._followed.pop(host, None)
        else:
            self._followed[host] = coordinator

    def follows_another(self, host: str) -> bool:
        return host in self._followed

    def check(self, host: str, method: str) -> None:
        """Raises the emergency's error, unless the call is one that helps."""
        error = self._emergencies.get(host)
        if error is not None and method not in EMERGENCY_CALLS:
            raise XapiError(error.code, *error.params)

    def is_in_emergency(self, host: str) -> bool:
        return host in self._emergencies

    def enter_emergency(self, host: str, error: XapiError) -> None:
        self._emergencies[host] = error

    def leave_emergency(self, host: str) -> None:
        self._emergencies.pop(host, None)

    def disconnect(self, host: str) -> None:
        """Calls that need the coordinator's database wait from here on."""
        self._connecting.setdefault(host, asyncio.Event())

    def connect(self, host: str) -> None:
        connected = self._connecting.pop(host, None)
        if connected is not None:
            connected.set()

    async def connected(self, host: str) -> None:
        while (connecting := self._connecting.get(host)) is not None:
            await connecting.wait()
