"""What the contract tests say in one word: objects by name, migrations, tasks that end, events."""

import http.client
import select
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import XenAPI

from tests.support.replay_wire import Exchange
from tests.support.sim import Simulator
from tests.support.sim_time import SimulatedTime

PATIENCE_S = 90.0
SIMULATED_PATIENCE_S = 7200.0
LOOK_S = 0.02
"""Between two looks; in lockstep it grows by this factor up to this length."""
GROWTH = 1.3
MOST_S = 10.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A call on its way, as simulated time sees it."""

    line: socket.socket

    @property
    def port(self) -> int:
        port: int = self.line.getsockname()[1]
        return port

    def is_answered(self, within_s: float) -> bool:
        return bool(select.select([self.line], [], [], within_s)[0])


class LockstepTransport(xmlrpc.client.Transport):
    """Lets as much time pass as the simulator needs to answer."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._time = SimulatedTime(sim)

    def send_request(
        self, host: Any, handler: str, request_body: Any, debug: bool
    ) -> http.client.HTTPConnection:
        """On a line of its own, when all is done that can be done before."""
        self._time.passes(0.0)
        self.close()
        connection = super().send_request(host, handler, request_body, debug)
        self._time.passes_until_answered(_Sent(connection.sock))
        return connection


class Client:
    """The PyPI client, unmodified; `api` is its proxy."""

    def __init__(self, sim: Simulator, host: str) -> None:
        self.sim = sim
        transport = LockstepTransport(sim) if sim.is_in_lockstep else None
        self.url = sim.endpoints[host]
        self.session = XenAPI.Session(self.url, transport)
        self.session.xenapi.login_with_password(sim.user, sim.password, "1.0", "contract-tests")
        self.api: Any = self.session.xenapi

    def vm(self, name: str) -> str:
        (ref,) = self.api.VM.get_by_name_label(name)
        return str(ref)

    def host(self, name: str) -> str:
        (ref,) = self.api.host.get_by_name_label(name)
        return str(ref)

    def where(self, vm: str) -> str:
        """The name of the host that the database has the VM on, or "" for nowhere."""
        host = self.api.VM.get_resident_on(self.vm(vm))
        return "" if host == "OpaqueRef:NULL" else str(self.api.host.get_name_label(host))

    def migrate(self, vm: str, host: str, **options: str) -> str:
        """Starts Async.VM.pool_migrate; the result is the task."""
        ref = self.api.Async.VM.pool_migrate(self.vm(vm), self.host(host), options)
        return str(ref)

    def move(self, vm: str, host: str) -> None:
        """Moves a VM and waits until it is there, unless it is there already."""
        if self.where(vm) != host:
            self.api.VM.pool_migrate(self.vm(vm), self.host(host), {})

    def wait(self, task: str) -> dict[str, Any]:
        """The task's record when it has ended."""
        record: dict[str, Any] = self.until(lambda: self.ended(task))
        return record

    def ended(self, task: str) -> dict[str, Any] | None:
        record: dict[str, Any] = self.api.task.get_record(task)
        return None if record["status"] == "pending" else record

    def until(self, look: Any) -> Any:
        """The first true thing that `look` returns."""
        return until(self.sim, look)

    def events(self, classes: list[str], token: str, timeout_s: float) -> dict[str, Any]:
        """event.from, whose name Python reserves."""
        reply: dict[str, Any] = getattr(self.api.event, "from")(classes, token, timeout_s)
        return reply

    def failure(self, call: Any, *args: Any) -> list[str]:
        """The error array that the call answers."""
        try:
            call(*args)
        except XenAPI.Failure as failure:
            details: list[str] = failure.details
            return details
        raise AssertionError("the call succeeded")


def until(sim: Simulator, look: Callable[[], Any]) -> Any:
    """The first true thing that `look` returns; in lockstep, time passes from look to look."""
    return _until_then(sim, look) if sim.is_in_lockstep else _until_now(look)


def _until_now(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        pause.wait(LOOK_S)
    raise TimeoutError(f"not within {PATIENCE_S} s: {look}")


def _until_then(sim: Simulator, look: Callable[[], Any]) -> Any:
    pause_s = LOOK_S
    passed_s = 0.0
    while passed_s < SIMULATED_PATIENCE_S:
        if seen := look():
            return seen
        sim.step(pause_s)
        passed_s += pause_s
        pause_s = min(pause_s * GROWTH, MOST_S)
    raise TimeoutError(f"not within {passed_s} simulated s: {look}")


def sent(client: Client, method: str, *params: Any) -> Exchange:
    """A call of this client that is on its way, and that nobody waits for."""
    session = client.session.handle
    return Exchange(client.url, "jsonrpc2", method, [session, *params])
