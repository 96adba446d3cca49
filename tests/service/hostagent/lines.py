"""Open connections and single messages of a lab's machines, and what the kernel knows of them."""

import socket

from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple, NFCTSocket

from deploy.demo import netlab


def say(line: socket.socket, text: str) -> str:
    """Say something on an open connection and return the answer; raises OSError."""
    line.sendall(text.encode())
    return line.recv(100).decode()


def datagrams(address: str) -> socket.socket:
    """Return a socket for single messages; to be made on a machine's thread."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.settimeout(netlab.TIMEOUT_S)
    line.bind((address, netlab.PORT))
    return line


def flows_of(address: str) -> set[str]:
    """Return who sends to an address, of the flows that the kernel of this machine knows."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with NFCTSocket(family) as line:
        tuples = [
            NFCTAttrTuple.from_netlink(family, flow.get_attr("CTA_TUPLE_ORIG"))
            for flow in line.dump()
        ]
    return {one.saddr for one in tuples if one.daddr == address}


def crowd(address: str, count: int) -> None:
    """Have this machine's kernel know of so many flows to an IPv4 address, from everywhere."""
    with NFCTSocket(socket.AF_INET) as line:
        for number in range(count):
            there = NFCTAttrTuple(
                saddr=f"192.0.2.{number % 250 + 1}",
                daddr=address,
                proto=socket.IPPROTO_UDP,
                sport=1_000 + number,
                dport=netlab.PORT,
            )
            line.entry("add", timeout=300, tuple_orig=there, tuple_reply=there.reverse())
