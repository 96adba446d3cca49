"""What the contract tests say in one word: objects by name, migrations, tasks that end, events."""

import threading
import time
from typing import Any

import XenAPI

from tests.support.sim import Simulator

PATIENCE_S = 20.0


class Client:
    """The PyPI client, unmodified; `api` is its proxy."""

    def __init__(self, sim: Simulator, host: str) -> None:
        self.sim = sim
        self.session = XenAPI.Session(sim.endpoints[host])
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
        deadline = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            pause.wait(0.02)
        raise TimeoutError(f"not within {PATIENCE_S} s: {look}")

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
