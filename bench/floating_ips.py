"""How long a floating IP answers nobody while its instance moves.

    python -m bench.floating_ips [--moves 20]

The real stack as processes; client, agents' machines and guest are network namespaces, so it needs
root. The guest stays on the wire: what its own hand-over takes is the hypervisor's affair, and the
simulated moves take no time. A client asks by the floating IP all the time, one connection after
the other; the longest time between two answers is the interruption. Prints a table and, as its last
line, JSON.
"""

import argparse
import itertools
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.demo import netlab
from deploy.demo.netlab import Lab
from deploy.demo.stack import Stack

ADDRESS = "203.0.113.100"
# Asks are a connection each; one that finds nobody is given up after this and made again.
ASK_S = 0.01
# In between the client leaves the processor to those that it measures.
PAUSE_S = 0.002


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds; `usual` is between two answers when nothing moves."""

    moves: int
    usual_ms: float
    median_ms: float
    worst_ms: float
    asks: int
    failed: int


class Client:
    """Asks by the floating IP until it is told to stop."""

    def __init__(self, lab: Lab) -> None:
        self._machine = lab.client
        self._stop = threading.Event()
        self.answered: list[float] = []
        self.failed = 0
        self._asking: Future[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._asking = self._machine.begin(self._ask_on)

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        if self._asking is not None:
            self._asking.result()

    def longest_ms(self, since: float, until: float) -> float:
        """Return the longest time between two answers around a span of time."""
        times = [moment for moment in self.answered if since - 0.1 <= moment <= until + 0.1]
        gaps = (b - a for a, b in itertools.pairwise(times))
        return 1000 * max(gaps, default=0.0)

    def _ask_on(self) -> None:
        while not self._stop.wait(PAUSE_S):
            try:
                with socket.create_connection((ADDRESS, netlab.PORT), timeout=ASK_S) as line:
                    line.recv(100)
                self.answered.append(time.perf_counter())
            except OSError:
                self.failed += 1


def measure(stack: Stack, lab: Lab, moves: int) -> Figures:
    """Move the guest to and fro and return what the client saw."""
    _ferryctl(stack, "floating-ip", "pool-create", "public", "203.0.113.0/24")
    _ferryctl(stack, "floating-ip", "allocate", "public", "--address", ADDRESS)
    fixed = ("--fixed", netlab.GUEST, "--unverified")
    _ferryctl(stack, "floating-ip", "associate", ADDRESS, "web-1", *fixed)
    client = Client(lab)
    client.start()
    gaps = []
    for number in range(moves):
        dest = ("xs2", "xs1")[number % 2]
        began = time.perf_counter()
        _ferryctl(stack, "migrate", "web-1", "--to", dest, "--watch")
        gaps.append(client.longest_ms(began, time.perf_counter()))
    client.stop()
    steps = [b - a for a, b in itertools.pairwise(client.answered)]
    return Figures(
        moves=moves,
        usual_ms=1000 * statistics.median(steps),
        median_ms=statistics.median(gaps),
        worst_ms=max(gaps),
        asks=len(client.answered),
        failed=client.failed,
    )


def _ferryctl(stack: Stack, *words: str) -> None:
    ran = stack.ferryctl(*words)
    if ran.returncode:
        raise RuntimeError(f"ferryctl {' '.join(words)}: {ran.stdout}{ran.stderr}")


def _stack(directory: Path, lab: Lab) -> Stack:
    tables = {
        host: '[floating_ips]\nfloating_ip_driver = "nftables"\n'
        f'public_interface = "{netlab.PUBLIC}"\nnamespace = "{machine.name}"\n'
        for host, machine in (("xs1", lab.one), ("xs2", lab.two))
    }
    return Stack(directory, time_factor=1000.0, agent_tables_of=tables)


def main(words: Sequence[str]) -> int:
    """Run it; 0, or 2 where the machine can't have namespaces."""
    options = argparse.ArgumentParser("bench.floating_ips")
    options.add_argument("--moves", type=int, default=20)
    moves: int = options.parse_args(words).moves
    reason = netlab.reason_to_skip()
    if reason:
        sys.stderr.write(f"bench.floating_ips: {reason}\n")
        return 2
    with (
        tempfile.TemporaryDirectory() as directory,
        netlab.a_lab() as lab,
        _stack(Path(directory), lab) as stack,
    ):
        figures = measure(stack, lab, moves)
    grid = Table("moves", "between answers", "interruption, median", "worst", "asks", "failed")
    times = (figures.usual_ms, figures.median_ms, figures.worst_ms)
    counts = (str(figures.asks), str(figures.failed))
    grid.add_row(str(figures.moves), *(f"{one:.1f} ms" for one in times), *counts)
    Console().print(grid)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
