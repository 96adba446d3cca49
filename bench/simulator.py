"""What the simulator costs: a call with many long polls open, and a large fleet.

    python -m bench.simulator [--hosts 32] [--vms 5000] [--polls 200] [--calls 5000]

The simulator as a process on a world of `xapisim world`; the clients are plain sockets in this
process, so that the simulator's CPU time is its own. The yardstick is a program that answers as
many bytes and does nothing else: what a call costs on this machine before anything is done for it.
Prints a table and, as its last line, JSON.
"""

import argparse
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from bench.measure import cpu_s, memory_mib, user_and_system_s

LOGIN = ("root", "xenferry")
POLL_S = 3600.0
WATCHED = ["task", "vm", "host"]
TARGETS = {"cpu_us_per_call": 250.0, "loaded_mib": 200.0, "dumped_mib": 200.0}


@dataclass(frozen=True, slots=True)
class Figures:
    """Loading and dumping in seconds; memory is the simulator's resident set."""

    hosts: int
    vms: int
    load_s: float
    loaded_mib: float
    long_polls: int
    calls: int
    calls_per_s: float
    cpu_us_per_call: float
    user_us_per_call: float
    echo_us_per_call: float
    dump_s: float
    dump_again_s: float
    dump_mib: float
    dumped_mib: float


class Client:
    """One connection that is kept; replies are read and not unmarshalled, unless asked for."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port)
        self.session = ""
        self.session = self.value("session.login_with_password", *LOGIN, "1.0", "bench")

    def post(self, body: bytes) -> bytes:
        self._connection.request("POST", "/", body, {"Content-Type": "text/xml"})
        return self._connection.getresponse().read()

    def body(self, method: str, *params: Any) -> bytes:
        given = (self.session, *params) if self.session else params
        text: str = xmlrpc.client.dumps(given, method)
        return text.encode()

    def value(self, method: str, *params: Any) -> Any:
        (reply,), _ = xmlrpc.client.loads(self.post(self.body(method, *params)))
        if not isinstance(reply, dict) or reply["Status"] != "Success":
            raise SystemExit(f"{method}: {reply!r}")
        return reply["Value"]


def write_world(folder: Path, hosts: int, vms: int) -> Path:
    """A fleet's world in a file; how long that takes is no part of any figure."""
    path = folder / "fleet.toml"
    command = [sys.executable, "-m", "xapisim", "world", "--hosts", str(hosts), "--vms", str(vms)]
    path.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return path


@contextmanager
def simulator(world: Path) -> Iterator[tuple[int, str]]:
    """Its process id and its coordinator's URL, when it answers."""
    command = [sys.executable, "-m", "xapisim", "serve", str(world)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise SystemExit("the simulator did not start")
        yield process.pid, next(iter(json.loads(line)["endpoints"].values()))
    finally:
        process.terminate()
        process.wait()


def open_poll(url: str, body: bytes) -> socket.socket:
    """An event.from that waits; nobody reads its reply."""
    address = urlsplit(url)
    poll = socket.create_connection((str(address.hostname), int(address.port or 80)))
    head = f"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    poll.sendall(head.encode() + body)
    return poll


def get_records(client: Client, count: int) -> list[bytes]:
    """VM.get_record of one VM after the other."""
    refs = client.value("VM.get_all")
    return [client.body("VM.get_record", refs[n % len(refs)]) for n in range(count)]


def calls(client: Client, pid: int, bodies: list[bytes]) -> tuple[float, float, float]:
    """Calls per second, the simulator's CPU µs per call, and its user µs among them."""
    for body in bodies[:200]:
        client.post(body)
    began, used = time.perf_counter(), user_and_system_s(pid)
    for body in bodies:
        client.post(body)
    per_s = len(bodies) / (time.perf_counter() - began)
    user, system = user_and_system_s(pid)
    user_us = 1e6 * (user - used[0]) / len(bodies)
    return per_s, user_us + 1e6 * (system - used[1]) / len(bodies), user_us


def echo_us(bodies: list[bytes], size: int) -> float:
    """CPU µs per call of a program that answers so many bytes to everything."""
    command = [sys.executable, "-m", "bench.echo", str(size)]
    echo = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        port = int(echo.stdout.readline()) if echo.stdout is not None else 0
        connection = http.client.HTTPConnection("127.0.0.1", port)
        used = cpu_s(echo.pid)
        for body in bodies:
            connection.request("POST", "/", body)
            connection.getresponse().read()
        return 1e6 * (cpu_s(echo.pid) - used) / len(bodies)
    finally:
        echo.kill()
        echo.wait()


def dump(client: Client) -> tuple[float, float]:
    """Seconds and MiB of all records of all classes that list theirs."""
    (names,), _ = xmlrpc.client.loads(client.post(client.body("system.listMethods")))
    if not isinstance(names, list):
        raise SystemExit("system.listMethods: a list expected")
    listings = [name for name in names if name.endswith(".get_all_records")]
    bodies = [client.body(name) for name in sorted(listings)]
    began = time.perf_counter()
    size = sum(len(client.post(body)) for body in bodies)
    return time.perf_counter() - began, size / 2**20


def measure(world: Path, chosen: argparse.Namespace) -> Figures:
    """Load, wait, call, dump, in one life of the simulator."""
    began = time.perf_counter()
    with simulator(world) as (pid, url), ExitStack() as open_ones:
        load_s = time.perf_counter() - began
        loaded_mib = memory_mib(pid)
        client = Client(url)
        token = client.value("event.inject", "pool", *client.value("pool.get_all"))
        waiting = client.body("event.from", WATCHED, token, POLL_S)
        for _ in range(chosen.polls):
            open_ones.callback(open_poll(url, waiting).close)
        time.sleep(1)
        bodies = get_records(client, chosen.calls)
        per_s, cpu_us, user_us = calls(client, pid, bodies)
        dump_s, size_mib = dump(client)
        again_s, _ = dump(client)
        return Figures(
            chosen.hosts,
            chosen.vms,
            round(load_s, 2),
            round(loaded_mib, 1),
            chosen.polls,
            chosen.calls,
            round(per_s),
            round(cpu_us),
            round(user_us),
            round(echo_us(bodies, len(client.post(bodies[0])))),
            round(dump_s, 2),
            round(again_s, 2),
            round(size_mib, 1),
            round(memory_mib(pid), 1),
        )


def report(figures: Figures) -> None:
    """Print a table for people and a line of JSON for machines."""
    table = Table(title="the simulator")
    for name in ("figure", "value", "target"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), str(value), str(TARGETS.get(name, "")))
    Console(width=100).print(table)
    print(json.dumps(asdict(figures)))


def main() -> None:
    """Run the benchmark on a simulator of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hosts", type=int, default=32)
    options.add_argument("--vms", type=int, default=5000)
    options.add_argument("--polls", type=int, default=200)
    options.add_argument("--calls", type=int, default=5000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = write_world(Path(folder), chosen.hosts, chosen.vms)
        report(measure(world, chosen))


if __name__ == "__main__":
    main()
