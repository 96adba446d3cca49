"""A process that has imported a program already, and becomes it as often as it is asked.

Importing takes most of the time that a program needs to start. The words on the command line are
the program, as module:function, and what is called once beforehand, likewise. A request on the
socket that is its stdin carries a command line, an environment, and three files: stdout, stderr,
and one that gets the pid and, at the end, the exit status, a line each. Its own end is that of the
socket.
"""

import gc
import json
import os
import pkgutil
import select
import signal
import socket
import sys
from dataclasses import dataclass, field

REQUEST_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class Errand:
    """What a child is to be run with."""

    command: list[str]
    environment: dict[str, str]


@dataclass(slots=True)
class Nursery:
    """Forks children and tells of their ends."""

    door: socket.socket
    noticed: int
    """Readable when a child has ended."""
    reports: dict[int, int] = field(default_factory=dict)
    """Where the end of a child is told, by its pid."""

    def next_child(self) -> Errand | None:
        """Return in a new child with its errand, and in the nursery with nothing at its end."""
        while True:
            ready, _, _ = select.select([self.door.fileno(), self.noticed], [], [])
            if self.noticed in ready:
                os.read(self.noticed, REQUEST_BYTES)
                self._reap()
            if self.door.fileno() in ready:
                request, files, _, _ = socket.recv_fds(self.door, REQUEST_BYTES, 3)
                if not request:
                    return None
                if self._is_child(*files):
                    return Errand(**json.loads(request))

    def end(self) -> None:
        """End what still runs."""
        for pid in self.reports:
            os.kill(pid, signal.SIGTERM)

    def _is_child(self, stdout: int, stderr: int, report: int) -> bool:
        pid = os.fork()
        if pid:
            self.reports[pid] = report
            os.write(report, b"%d\n" % pid)
        else:
            _be_alone()
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            for number in (report, *self.reports.values()):
                os.close(number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), self.door.detach())
        os.close(stdout)
        os.close(stderr)
        return not pid

    def _reap(self) -> None:
        while self.reports:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            report = self.reports.pop(pid)
            os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(report)


def _be_alone() -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _watched_children() -> int:
    """Return a file that is readable when a child has ended."""
    noticed, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    return noticed


def main() -> None:
    """Be a nursery, or a child of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nursery = Nursery(socket.socket(fileno=sys.stdin.fileno()), _watched_children())
    program, *beforehand = map(pkgutil.resolve_name, sys.argv[1:])
    for call in beforehand:
        call()
    gc.freeze()  # a child has no need to look at what is there
    errand = nursery.next_child()
    if errand is None:
        nursery.end()
        return
    sys.argv = errand.command
    os.environ.clear()
    os.environ.update(errand.environment)
    program()


if __name__ == "__main__":
    main()
