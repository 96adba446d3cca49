"""Does what a schedule says, and undoes what lasts."""

import contextlib
import heapq
import itertools
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc

from deploy.demo import simulator
from deploy.demo.processes import Process
from deploy.demo.stack import CALL_S
from deploy.faults.ground import Ground
from deploy.faults.snare import Fate, Moment, Snare
from deploy.soak.schedule import Event
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

QUICK_S = 5.0
Undo = Callable[[], None]


def _nothing() -> None:
    """Undo what undoes itself."""


@dataclass(slots=True)
class Actor:
    """Plays one round; `meanwhile` is called between the events, some twenty times a second."""

    ground: Ground
    meanwhile: Callable[[], None]
    opened: dict[str, str] = field(default_factory=dict)
    """The newest migration of each guest."""
    accepted: int = 0
    _due: list[tuple[float, int, Undo]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def play(self, events: Sequence[Event]) -> None:
        """Do the events at their times."""
        began = time.monotonic()
        for event in events:
            self._wait_until(began + event.at_s)
            # An act that meets a program that is down has no effect, as in life.
            with contextlib.suppress(grpc.RpcError, simulator.ControlRefused, ProcessLookupError):
                undo = getattr(self, f"_{event.act}")(event)
                due = time.monotonic() + event.lasts_s
                heapq.heappush(self._due, (due, next(self._numbers), undo))
        while self._due:
            self._wait_until(self._due[0][0])

    def _wait_until(self, moment_s: float) -> None:
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if now >= moment_s:
                return
            self.meanwhile()
            time.sleep(min(0.05, max(0.0, moment_s - now)))

    def _migrate(self, event: Event) -> Undo:
        guest, dest = str(event.keys["guest"]), str(event.keys["dest"])
        instance_id = self.ground.instance_ids[guest]
        request = scheduler_pb2.LiveMigrationRequest(instance_id=instance_id, dest=dest)
        if not guest.startswith("shared"):
            request.block_migration = True
        with self.ground.stack.services() as services:
            answer = services.scheduler.LiveMigration(request, timeout=QUICK_S)
        self.opened[guest] = answer.migration_id
        self.accepted += 1
        return _nothing

    def _cancel(self, event: Event) -> Undo:
        migration_id = self.opened.get(str(event.keys["guest"]))
        if migration_id:
            self.ground.cancel(migration_id)
        return _nothing

    def _kill(self, event: Event) -> Undo:
        process = self._program(event)
        process.kill()
        return lambda: self._start(process)

    def _freeze(self, event: Event) -> Undo:
        process = self._program(event)
        pid = process.pid
        if not process.running:
            return _nothing
        os.kill(pid, signal.SIGSTOP)

        def thaw() -> None:
            if process.running and process.pid == pid:
                os.kill(pid, signal.SIGCONT)

        return thaw

    def _cut(self, event: Event) -> Undo:
        host = str(event.keys["host"])
        self.ground.cut([host], off=True)
        return lambda: self.ground.cut([host], off=False)

    def _snare(self, event: Event) -> Undo:
        keys = event.keys
        moment = Moment(keys["moment"])
        snare = Snare(str(keys["method"]), moment, int(keys["nth"]))
        self.ground.wire.arm(str(keys["host"]), snare)
        fate = Fate(keys["fate"])
        return lambda: snare.decide(fate)

    def _fault(self, event: Event) -> Undo:
        fault = simulator.arm(self.ground.control, **event.keys)
        return lambda: simulator.lift(self.ground.control, fault)

    def _program(self, event: Event) -> Process:
        name, stack = str(event.keys["program"]), self.ground.stack
        return stack.controller if name == "controller" else stack.agents[name]

    def _start(self, process: Process) -> None:
        # It listens where it did before; whether it is ready by now may depend on another fault.
        if not process.running:
            process.launch()


def open_migrations(ground: Ground) -> list[migration_pb2.Migration]:
    """Return every migration that has not ended."""
    ended = (
        migration_pb2.MIGRATION_STATE_SUCCEEDED,
        migration_pb2.MIGRATION_STATE_ROLLED_BACK,
        migration_pb2.MIGRATION_STATE_CANCELLED,
    )
    request = scheduler_pb2.ListMigrationsRequest(page_size=1000)
    with ground.stack.services() as services:
        found = services.scheduler.ListMigrations(request, timeout=CALL_S).migrations
    return [migration for migration in found if migration.state not in ended]
