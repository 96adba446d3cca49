"""What benchmarks share: CPU time of other processes, and counters read from /metrics."""

import os
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, user and system, all threads."""
    return sum(user_and_system_s(pid))


def user_and_system_s(pid: int) -> tuple[float, float]:
    """Return the CPU seconds that a process has spent in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE") / 2**20


def counter(http: str, name: str) -> float:
    """Return the sum of a Prometheus counter over its labels; `http` is host:port."""
    with urllib.request.urlopen(f"http://{http}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.startswith((f"{name} ", f"{name}{{"))
    )


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds by the name of the process."""

    by_name: Mapping[str, float]

    @classmethod
    def of(cls, pids: Mapping[str, int]) -> "Usage":
        """Read the clocks of the processes."""
        return cls({name: cpu_s(pid) for name, pid in pids.items()})

    def since(self, before: "Usage") -> "Usage":
        """Return what was used since an earlier reading."""
        return Usage({name: used - before.by_name[name] for name, used in self.by_name.items()})

    def total(self, names: Iterable[str]) -> float:
        """Return the sum over some processes."""
        return sum(self.by_name[name] for name in names)
