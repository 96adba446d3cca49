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
from typing import Any

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


@dataclass(slots=True)
class Process:
    """A program with its command line, environment and log; may be started again after its end."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, Any] = field(default_factory=dict)
    """What its ready line said."""
    _popen: Child | None = None

    @property
    def pid(self) -> int:
        """Return its id; 0 when it was never started."""
        return self._popen.pid if self._popen else 0

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._popen is not None and self._popen.poll() is None

    def launch(self) -> None:
        """Start it; `wait_ready` waits for its ready line."""
        # A session of its own: Ctrl-C in the terminal is for us, and we end what we started.
        with self.log.open("a") as log, interrupts.held():
            self._popen = Child(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
                start_new_session=True,
            )

    def wait_ready(self) -> Mapping[str, Any]:
        """Return what the ready line says; raises NotReady."""
        if self._popen is None or self._popen.stdout is None:
            raise NotReady(self.name, "was not started", "")
        if not select.select([self._popen.stdout], [], [], READY_WITHIN_S)[0]:
            raise NotReady(self.name, f"said nothing for {READY_WITHIN_S:g} s", self.log_end())
        line = self._popen.stdout.readline()
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
        if self._popen is not None:
            self._popen.kill()
        self._ended()

    def ask_to_end(self) -> None:
        """Send SIGTERM, without waiting."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.terminate()

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code; SIGKILL if it does not listen."""
        self.ask_to_end()
        return self._ended()

    def wait(self, timeout_s: float = STOPPED_WITHIN_S) -> int:
        """Return its exit code, after SIGKILL if it outlasts the timeout."""
        if self._popen is None:
            return 0
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def log_end(self, lines: int = 15) -> str:
        """Return the last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _ended(self) -> int:
        code = self.wait()
        if self._popen is not None and self._popen.stdout is not None:
            self._popen.stdout.close()
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
