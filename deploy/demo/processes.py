"""One of our programs as a process: started, ready, ended by its own id and nothing else's."""

import itertools
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, TextIO

from deploy.demo import interrupts

READY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 15.0

# Below the ports that the kernel gives to outgoing connections: nobody takes one of these while
# its program is being restarted. Each process that starts programs has a block to itself.
FIRST_PORT, PORTS_A_BLOCK, BLOCKS = 20_000, 100, 120
_ports = itertools.cycle(range(PORTS_A_BLOCK))


class NotReady(Exception):
    """A program ended, or stayed silent, before it said that it was ready."""

    def __init__(self, name: str, why: str, log: str) -> None:
        super().__init__(f"{name} {why}; its log ends with:\n{log}")


def program(name: str) -> str:
    """Return the path of a program of the environment that runs this one."""
    return str(Path(sys.executable).with_name(name))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now, another one each time."""
    block = FIRST_PORT + os.getpid() % BLOCKS * PORTS_A_BLOCK
    while True:
        port = block + next(_ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Child(subprocess.Popen[str]):
    """A running command that speaks text; the options are those of subprocess.Popen."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        super().__init__(command, text=True, **options)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[Child]:
    """Run a command for as long as the block lasts."""
    started: list[Child] = []
    try:
        with interrupts.held():
            started.append(Child(command, **options))
        yield started[0]
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.communicate()


class Running(Protocol):
    """A process that runs, or has; its stdout is read."""

    @property
    def pid(self) -> int:
        """Its id."""

    @property
    def stdout(self) -> IO[str] | None:
        """What it says."""

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended; raises subprocess.TimeoutExpired."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL."""


Launcher = Callable[[Sequence[str], TextIO, Mapping[str, str]], Running]


def execute(command: Sequence[str], log: TextIO, environment: Mapping[str, str]) -> Running:
    """Run a command with stderr in a log and more environment than ours."""
    # A session of its own: Ctrl-C in the terminal is for us, and we end what we started.
    return Child(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        start_new_session=True,
    )


@dataclass(slots=True)
class Process:
    """A program with its command line, environment and log; may be started again after its end."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    launcher: Launcher = execute
    """What makes a process of that."""
    ready: Mapping[str, Any] = field(default_factory=dict)
    """What its ready line said."""
    _running: Running | None = None

    @property
    def pid(self) -> int:
        """Return its id; 0 when it was never started."""
        return self._running.pid if self._running else 0

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._running is not None and self._running.poll() is None

    def launch(self) -> None:
        """Start it; `wait_ready` waits for its ready line."""
        with self.log.open("a") as log, interrupts.held():
            self._running = self.launcher(self.command, log, self.environment)

    def wait_ready(self) -> Mapping[str, Any]:
        """Return what the ready line says; raises NotReady."""
        if self._running is None or self._running.stdout is None:
            raise NotReady(self.name, "was not started", "")
        if not select.select([self._running.stdout], [], [], READY_WITHIN_S)[0]:
            raise NotReady(self.name, f"said nothing for {READY_WITHIN_S:g} s", self.log_end())
        line = self._running.stdout.readline()
        if not line:
            raise NotReady(self.name, f"exited with {self.wait()}", self.log_end())
        self.ready = json.loads(line)
        return self.ready

    def start(self) -> Mapping[str, Any]:
        """Start it and wait until it is ready."""
        self.launch()
        return self.wait_ready()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        if self._running is not None:
            self._running.kill()
        self._ended()

    def ask_to_end(self) -> None:
        """Send SIGTERM, without waiting."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code; SIGKILL if it does not listen."""
        self.ask_to_end()
        return self._ended()

    def wait(self, timeout_s: float = STOPPED_WITHIN_S) -> int:
        """Return its exit code, after SIGKILL if it outlasts the timeout."""
        if self._running is None:
            return 0
        try:
            return self._running.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._running.kill()
            return self._running.wait()

    def log_end(self, lines: int = 15) -> str:
        """Return the last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _ended(self) -> int:
        code = self.wait()
        if self._running is not None and self._running.stdout is not None:
            self._running.stdout.close()
        return code


def wait_until(
    what: str, holds: Callable[[], bool], timeout_s: float = READY_WITHIN_S, every_s: float = 0.03
) -> None:
    """Return once `holds()` is true; raises TimeoutError that says what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(every_s)
