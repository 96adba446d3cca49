"""The kernel's table of flows over netlink: read, and ended by the hundred.

The messages are ours and not pyroute2's, which takes a tenth of a millisecond to read a flow and
one and a half to end it: a busy address has thousands, most of them closed connections.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyroute2.netlink import NETLINK_NETFILTER, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK
from pyroute2.netlink.nfnetlink.nfctsocket import (
    IPCTNL_MSG_CT_DELETE,
    IPCTNL_MSG_CT_GET,
    IPCTNL_MSG_CT_GET_STATS,
    IPS_NAT_MASK,
)

# include/uapi/linux/netfilter/nfnetlink_conntrack.h
_ORIG, _REPLY, _STATUS, _ID, _ZONE, _FILTER = 1, 2, 3, 12, 18, 25
_TUPLE_IP = 1
_SOURCE, _DEST = 1, 2
_IPV6_LATER = 2
_ORIG_FLAGS = 1
_ENTRIES = 1

_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_NUMBER = struct.Struct("=I")
_NETWORK_NUMBER = struct.Struct("!I")
_CODE = struct.Struct("=i")
_KIND, _NESTED = 0x3FFF, 0x8000
_ANSWER_S = 5.0
_READ_BYTES = 1 << 18
# What is sent at once, and its errors, fit into the usual buffers.
_ENDED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow, by packed addresses: who sends to whom, and between whom the answers go."""

    source: bytes
    dest: bytes
    answers_from: bytes
    answers_to: bytes
    translated: bool
    key: bytes


class Conntrack:
    """One line to the kernel; every method raises OSError."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._sequence = 0

    def count(self) -> int:
        """Return how many flows there are, of all families."""
        self._send(IPCTNL_MSG_CT_GET_STATS, NLM_F_REQUEST, socket.AF_UNSPEC)
        (body,) = self._answers(one=True)
        found: int = _NETWORK_NUMBER.unpack(dict(_attributes(body, _FAMILY.size))[_ENTRIES])[0]
        return found

    def flows(self, family: int, source: bytes = b"", dest: bytes = b"") -> Iterator[Flow]:
        """Yield all flows of a family, or those that begin at an address, or go to one."""
        self._send(IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP, family, _wanted(source, dest))
        for body in self._answers():
            yield _flow(body)

    def end_to(self, family: int, dest: bytes) -> bool:
        """End all flows to an address; False if the kernel (before 5.8) can't be asked for that."""
        flags = NLM_F_REQUEST | NLM_F_ACK
        self._send(IPCTNL_MSG_CT_DELETE, flags, family, _wanted(b"", dest))
        code, _ = next(self._codes())
        return code == 0

    def end(self, family: int, flows: Sequence[Flow]) -> None:
        """End flows; those that have ended by themselves are no matter."""
        for first in range(0, len(flows), _ENDED_AT_ONCE):
            self._end(family, flows[first : first + _ENDED_AT_ONCE])

    def _end(self, family: int, flows: Sequence[Flow]) -> None:
        """Send them together; the kernel tells of errors, and of the last by itself."""
        data = b""
        for flow in flows:
            flags = NLM_F_REQUEST | (NLM_F_ACK if flow is flows[-1] else 0)
            data += self._message(IPCTNL_MSG_CT_DELETE, flags, family, flow.key)
        self._line.send(data)
        for code, sequence in self._codes():
            if code not in (0, errno.ENOENT):
                raise OSError(code, f"conntrack refuses to end a flow: {os.strerror(code)}")
            if sequence == self._sequence:
                return

    def _send(self, kind: int, flags: int, family: int, attributes: bytes = b"") -> None:
        self._line.send(self._message(kind, flags, family, attributes))

    def _message(self, kind: int, flags: int, family: int, attributes: bytes) -> bytes:
        self._sequence += 1
        body = _FAMILY.pack(family, 0, 0) + attributes
        kind |= NFNL_SUBSYS_CTNETLINK << 8
        return _HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0) + body

    def _answers(self, *, one: bool = False) -> Iterator[bytes]:
        """Yield the bodies of what answers the last question: one message, or those of a dump."""
        for kind, _, body in self._received():
            if kind == _ERROR:
                code = -_CODE.unpack_from(body)[0]
                raise OSError(code, f"conntrack refuses a question: {os.strerror(code)}")
            if kind == _DONE:
                return
            yield body
            if one:
                return

    def _codes(self) -> Iterator[tuple[int, int]]:
        """Yield what the kernel says to messages that change something, by their numbers."""
        for kind, sequence, body in self._received():
            if kind == _ERROR:
                yield -_CODE.unpack_from(body)[0], sequence

    def _received(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            data, offset = self._line.recv(_READ_BYTES), 0
            while offset < len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
                yield kind, sequence, data[offset + _HEADER.size : offset + length]
                offset += _padded(length)


@contextmanager
def opened() -> Iterator[Conntrack]:
    """Yield a line to the kernel of this thread's network namespace; raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
        line.settimeout(_ANSWER_S)
        line.bind((0, 0))
        yield Conntrack(line)


def _flow(body: bytes) -> Flow:
    told = dict(_attributes(body, _FAMILY.size))
    source, dest = _ends(told[_ORIG])
    answers_from, answers_to = _ends(told[_REPLY])
    (status,) = _NETWORK_NUMBER.unpack(told[_STATUS])
    key = b"".join(_attribute(kind, told[kind]) for kind in (_ORIG, _ZONE, _ID) if kind in told)
    return Flow(source, dest, answers_from, answers_to, bool(status & IPS_NAT_MASK), key)


def _ends(tuple_: bytes) -> tuple[bytes, bytes]:
    """Return where a direction of a flow comes from and goes to."""
    addresses = dict(_attributes(dict(_attributes(tuple_))[_TUPLE_IP]))
    found = addresses if _SOURCE in addresses else _like_ipv4(addresses)
    return found[_SOURCE], found[_DEST]


def _like_ipv4(addresses: dict[int, bytes]) -> dict[int, bytes]:
    return {kind - _IPV6_LATER: address for kind, address in addresses.items()}


def _wanted(source: bytes, dest: bytes) -> bytes:
    """Return the attributes that ask for the flows from an address, or to one."""
    if not source and not dest:
        return b""
    kind, address = (_SOURCE, source) if source else (_DEST, dest)
    place = _attribute(_TUPLE_IP | _NESTED, _attribute(kind, address))
    flags = _attribute(_ORIG_FLAGS, _NUMBER.pack(kind))
    return _attribute(_ORIG | _NESTED, place) + _attribute(_FILTER | _NESTED, flags)


def _attributes(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    while offset < len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        yield kind & _KIND, data[offset + _ATTRIBUTE.size : offset + length]
        offset += _padded(length)


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (_padded(length) - length)


def _padded(length: int) -> int:
    return (length + 3) & ~3
