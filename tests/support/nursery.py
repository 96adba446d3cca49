"""Our programs as processes, forked from one that has imported them: a tenth of the start.

How they start and end by themselves is what test_system_programs and test_system_demo look at.
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.support import nursery_process

# What each is, and what it would do first each time.
PROGRAMS = {
    "xenferry-controller": ("controller.main:main",),
    "xenferry-hostagent": ("hostagent.main:main",),
    "xapisim": ("xapisim.main:main", "xapisim.dispatch.methods:table"),
}


@dataclass(slots=True)
class Forked:
    """`returncode` is None until its end was looked for, and negative where a signal ended it."""

    pid: int
    stdout: TextIO
    _report: TextIO
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended; raises subprocess.TimeoutExpired."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], timeout_s)[0]:
            self.returncode = int(self._report.readline() or -signal.SIGKILL)
            self._report.close()
        return self.returncode


def launch(command: Sequence[str], stderr: TextIO, environment: Mapping[str, str]) -> Forked:
    """Start one of our programs, the first word of a command, in an environment."""
    stdout, writes = os.pipe()
    report, reports = os.pipe()
    errand = nursery_process.Errand(list(command), {**os.environ, **environment})
    request = json.dumps({"command": errand.command, "environment": errand.environment}).encode()
    nursery = _nursery(*PROGRAMS[Path(command[0]).name])
    socket.send_fds(nursery, [request], [writes, stderr.fileno(), reports])
    os.close(writes)
    os.close(reports)
    told = os.fdopen(report)
    pid = told.readline()
    if not pid:
        raise RuntimeError("the nursery is gone")
    return Forked(int(pid), os.fdopen(stdout), told)


@functools.cache
def _nursery(*words: str) -> socket.socket:
    """One a program and test run; it ends with the run."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-P", nursery_process.__file__, *words], stdin=its.fileno()
    )
    its.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
