"""Machines and wires made of network namespaces: a client, two agents' hosts, and a guest.

      client 203.0.113.1
         │ public wire 203.0.113.0/24, 2001:db8::/64
  ┌──────┴───────┐
one .11        two .12            two hosts' agents
  └──────┬───────┘
         │ instances' wire 10.0.0.0/24, fd00::/64
  guest 10.0.0.5, at one or at two
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pyroute2 import netns
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.nftables.main import NFTables

ResultT = TypeVar("ResultT")

IP = shutil.which("ip") or "ip"

CLIENT, GUEST = "203.0.113.1", "10.0.0.5"
CLIENT_6, GUEST_6 = "2001:db8::1", "fd00::5"
GATEWAY, GATEWAY_6 = "10.0.0.1", "fd00::1"
PUBLIC, INNER = "public0", "inner0"
PORT = 8080
TIMEOUT_S = 5.0
GUEST_MAC, GATEWAY_MAC = "02:00:00:00:00:05", "02:00:00:00:00:01"


def reason_to_skip() -> str:
    """Return why this machine can't have the lab, empty if it can."""
    if not shutil.which(IP):
        return "there is no ip command (iproute2)"
    name = f"xf{os.getpid()}-probe"
    made = subprocess.run([IP, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"the kernel refuses network namespaces: {made.stderr.strip()}"
    probe = Machine(name)
    try:
        probe.ip("link add wire type bridge", "link add one type veth peer name two")
        probe.run(_use_nf_tables)
    except (RuntimeError, OSError, NetlinkError) as refused:
        return f"the kernel lacks bridges, veth or nf_tables: {refused}"
    finally:
        probe.close()
        subprocess.run([IP, "netns", "del", name], check=True)
    return ""


def _use_nf_tables() -> None:
    with NFTables(nfgen_family=1) as line:
        line.table("add", name="probe")
        line.chain("add", table="probe", name="nat", type="nat", hook="prerouting")


class Machine:
    """A namespace, and a thread in it on which a test does things there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._thread = ThreadPoolExecutor(1, initializer=netns.setns, initargs=(name,))

    def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Do something in it and return its result."""
        return self.begin(work).result(timeout=4 * TIMEOUT_S)

    def begin(self, work: Callable[[], ResultT]) -> Future[ResultT]:
        """Begin to do something in it, behind what is being done there."""
        return self._thread.submit(work)

    def ip(self, *lines: str) -> str:
        """Run ip commands in it; returns what they write."""
        return _ip(*lines, within=self.name)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)

    def serve(self, text: str, address: str = "0.0.0.0") -> socket.socket:
        """Listen in it, as `text`; see `answer`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def listen() -> socket.socket:
            return socket.create_server((address, PORT), family=family)

        listener = self.run(listen)
        _Answering(listener, text)
        return listener

    def ask(self, address: str) -> str:
        """Connect from it and return what the other side says; raises OSError."""
        return self.run(lambda: _ask(address))

    def connect(self, address: str) -> socket.socket:
        """Return a connection from it that has heard the first word."""

        def opened() -> socket.socket:
            line = socket.create_connection((address, PORT), timeout=TIMEOUT_S)
            line.recv(100)
            return line

        return self.run(opened)

    def mac_of(self, address: str) -> str:
        """Return the hardware address that it has in its cache for a neighbour."""
        words = self.ip(f"neigh show {address}").split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else ""


class _Answering:
    """Answers every connection with a word, and then everything with the same word."""

    def __init__(self, listener: socket.socket, text: str) -> None:
        self._listener = listener
        self._text = text.encode()
        self._lines: set[socket.socket] = set()
        self._threads = ThreadPoolExecutor(8)
        self._threads.submit(self._accept)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return self._hang_up()
            self._lines.add(line)
            self._threads.submit(self._answer, line)

    def _hang_up(self) -> None:
        """End what nobody else will: the other side of a flow that was ended is not heard."""
        for line in tuple(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _answer(self, line: socket.socket) -> None:
        with line:
            line.sendall(self._text)
            while line.recv(100):
                line.sendall(self._text)
        self._lines.discard(line)


class Lab:
    """All machines; the guest is at "one" first."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.client = Machine(prefix + "client")
        self.one = Machine(prefix + "one")
        self.two = Machine(prefix + "two")
        self.guest = {"one": Machine(prefix + "guest1"), "two": Machine(prefix + "guest2")}
        self._listeners: list[socket.socket] = []

    def begin(self) -> None:
        """Let the guest serve, as the name of the host that it is on."""
        for place, guest in self.guest.items():
            self._listeners.append(guest.serve(place))
            self._listeners.append(guest.serve(place, "::"))

    def move_guest(self, dest: str) -> None:
        """Take the guest off the wire at one host and put it there at the other."""
        source = {"one": "two", "two": "one"}[dest]
        self.guest[source].ip("link set eth0 down")
        _plug_guest(self.guest[dest])

    def share_gateway(self) -> None:
        """Give both hosts the guests' gateway address, each for the guests beside it."""
        for host in (self.one, self.two):
            host.ip(f"link set {INNER} down", f"link set {INNER} address {GATEWAY_MAC}")
            host.ip(f"link set {INNER} up", f"addr add {GATEWAY}/24 dev {INNER}")
            host.ip(f"addr add {GATEWAY_6}/64 dev {INNER} nodad")

    def close(self) -> None:
        """Hang up."""
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for machine in (self.client, self.one, self.two, *self.guest.values()):
            machine.close()


def _ask(address: str) -> str:
    with socket.create_connection((address, PORT), timeout=TIMEOUT_S) as line:
        return line.recv(100).decode()


def _ip(*lines: str, within: str = "") -> str:
    words = [IP, "-o", *(["-n", within] if within else []), "-batch", "-"]
    done = subprocess.run(
        words, input="\n".join(lines), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ip in {within}: {lines}: {done.stderr}")
    return done.stdout


def _plug_guest(guest: Machine) -> None:
    guest.ip("link set eth0 up", f"addr replace {GUEST}/24 dev eth0")
    guest.ip(f"addr replace {GUEST_6}/64 dev eth0 nodad")
    guest.ip(f"route replace default via {GATEWAY}", f"route replace ::/0 via {GATEWAY_6}")


def _wire(switch: str, bridge: str, machine: Machine, interface: str, mac: str = "") -> None:
    port = f"{interface[0]}{machine.name[-6:]}"
    address = f" address {mac}" if mac else ""
    _ip(
        f"link add {interface}{address} netns {machine.name} type veth "
        f"peer name {port} netns {switch}"
    )
    _ip(f"link set {port} master {bridge} up", within=switch)


def _build(lab: Lab, switch: str) -> None:
    _ip("link add public type bridge", "link add inner type bridge", within=switch)
    _ip("link set public up", "link set inner up", within=switch)
    _wire(switch, "public", lab.client, "eth0")
    lab.client.ip("link set lo up", "link set eth0 up", f"addr add {CLIENT}/24 dev eth0")
    lab.client.ip(f"addr add {CLIENT_6}/64 dev eth0 nodad")
    for number, host in ((11, lab.one), (12, lab.two)):
        _wire(switch, "public", host, PUBLIC)
        _wire(switch, "inner", host, INNER)
        host.ip("link set lo up", f"link set {PUBLIC} up", f"link set {INNER} up")
        host.ip(f"addr add 203.0.113.{number}/24 dev {PUBLIC}")
        host.ip(f"addr add 10.0.0.{number}/24 dev {INNER}")
        host.ip(f"addr add 2001:db8::{number}/64 dev {PUBLIC} nodad")
        host.ip(f"addr add fd00::{number}/64 dev {INNER} nodad")
        host.run(forward)
    for guest in lab.guest.values():
        _wire(switch, "inner", guest, "eth0", GUEST_MAC)
        guest.ip("link set lo up")
    _plug_guest(lab.guest["one"])


def forward(on: bool = True) -> None:
    """Let the machine that this runs in pass on what is not for itself, or not."""
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path("/proc/sys/net", path).write_text("1" if on else "0")


@contextmanager
def a_lab() -> Iterator[Lab]:
    """Build the machines and wires, and take them away again."""
    prefix = f"xf{os.getpid()}-"
    names = [prefix + name for name in ("switch", "client", "one", "two", "guest1", "guest2")]
    for name in names:
        _ip(f"netns add {name}")
    lab = Lab(prefix)
    try:
        _build(lab, names[0])
        lab.begin()
        yield lab
    finally:
        lab.close()
        for name in names:
            _ip(f"netns del {name}")
