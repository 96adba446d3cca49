"""The stack with two controllers on one PostgreSQL; agents know both."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.processes import Process, wait_until
from deploy.demo.stack import Stack
from tests.support import nursery
from tests.support import stack as usual

CLAIM_S = 2.0


@dataclass(slots=True)
class Replicated(Stack):
    """`asked` is the controller that tests and operators talk to."""

    store_url: str = ""
    second: Process = field(init=False)
    asked: Process = field(init=False)

    def __post_init__(self) -> None:
        Stack.__post_init__(self)
        self.second = self._service("xenferry-controller", "second", self._controller_toml())
        self.asked = self.controller
        shared = {"XENFERRY_STORE_URL": self.store_url, "XENFERRY_STORE_CLAIM_S": f"{CLAIM_S:g}"}
        self.controller.environment = self.second.environment = shared

    @property
    def address(self) -> str:
        """Return host:port of the controller that is asked."""
        return str(self.asked.ready["grpc"])

    @property
    def programs(self) -> list[Process]:
        """Return all of them, in the order in which they are ended."""
        return [self.controller, self.second, *self.agents.values(), self.simulator]

    def start(self) -> None:
        """Start everything and return once both controllers know every host as alive."""
        try:
            self.second.start()
            Stack.start(self)
            self.ask(self.second)
            wait_until("all hosts to be alive at the second", self.all_alive)
            self.ask(self.controller)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything that runs, what is frozen included."""
        for controller in (self.controller, self.second):
            if controller.running:
                os.kill(controller.pid, signal.SIGCONT)
        self.second.ask_to_end()
        Stack.stop(self)

    def ask(self, controller: Process) -> None:
        """Talk to this controller from now on."""
        self.asked = controller

    def _service(
        self, program: str, name: str, tables: str, environment: Mapping[str, str] | None = None
    ) -> Process:
        process = Stack._service(self, program, name, tables, environment)
        if program == "xenferry-hostagent":
            both = f"{self.controller.ready['grpc']},{self.second.ready['grpc']}"
            process.environment = {**process.environment, "XENFERRY_CONTROLLER_ADDRESS": both}
        return process


def replicated(directory: Path, store_url: str) -> Replicated:
    """Return a stack in which nothing is waited for longer than a test needs."""
    return Replicated(
        directory,
        time_factor=20.0,
        controller_tables=usual.IMPATIENT,
        agent_tables=usual.IMPATIENT_AGENT,
        launcher=nursery.launch,
        store_url=store_url,
    )


def freeze(process: Process) -> None:
    """Let a process be scheduled no more (SIGSTOP)."""
    os.kill(process.pid, signal.SIGSTOP)


def thaw(process: Process) -> None:
    """Let it go on as if nothing had happened."""
    os.kill(process.pid, signal.SIGCONT)
