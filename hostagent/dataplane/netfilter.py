"""Batches for nf_tables: all of a batch holds from one moment on, or none of it.

pyroute2 knows the layout of the messages. What is sent and how its answer is read is ours, because
its own commands are a transaction each. The nft command is not needed.
"""

import errno
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any

from pyroute2.netlink import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_REQUEST,
)
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_NFTABLES, nfgen_msg

_BEGIN, _END = 0x10, 0x11
_ERROR = 2
_HEADER = struct.Struct("=IHHII")
_CODE = struct.Struct("=i")
# A thousand addresses make a batch of a megabyte or two.
_SEND_BUFFER_BYTES = 16 << 20
_SO_SNDBUFFORCE = 32
_ANSWER_S = 5.0
_INET = 1


class Batch:
    """Messages to the kernel's nf_tables, in order, for tables of the inet family."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._last_at = 0
        self._sequence = 0
        self._frame(_BEGIN)

    def add(self, message: Any, kind: int, attributes: Mapping[str, Any]) -> None:
        """Append a message; what makes a thing that is there changes nothing."""
        message["attrs"] = list(attributes.items())
        message["nfgen_family"] = _INET
        # The flags mean nothing to messages that delete.
        self._append(message, (NFNL_SUBSYS_NFTABLES << 8) | kind, NLM_F_CREATE | NLM_F_APPEND)

    def commit(self) -> None:
        """Send it and wait for the kernel's word; raises OSError with nothing done."""
        # The only answers without asking are errors, so the last message alone asks: answers to
        # thousands would not fit into the socket's buffer.
        self._acknowledge_last()
        last = self._sequence
        self._frame(_END)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
            line.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SEND_BUFFER_BYTES)
            line.settimeout(_ANSWER_S)
            line.bind((0, 0))
            line.send(self._data)
            _await(line, last)

    def _acknowledge_last(self) -> None:
        length, kind, flags, sequence, port = _HEADER.unpack_from(self._data, self._last_at)
        header = (length, kind, flags | NLM_F_ACK, sequence, port)
        _HEADER.pack_into(self._data, self._last_at, *header)

    def _frame(self, kind: int) -> None:
        message = nfgen_msg()
        message["res_id"] = NFNL_SUBSYS_NFTABLES
        self._append(message, kind, 0)

    def _append(self, message: Any, kind: int, flags: int) -> None:
        self._sequence += 1
        message["header"]["type"] = kind
        message["header"]["flags"] = NLM_F_REQUEST | flags
        message["header"]["sequence_number"] = self._sequence
        message.encode()
        self._last_at = len(self._data)
        self._data += message.data


def _await(line: socket.socket, last: int) -> None:
    """Read until the last message is acknowledged or any is refused."""
    while True:
        data = line.recv(65_536)
        offset = 0
        while offset < len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
            if kind == _ERROR:
                (code,) = _CODE.unpack_from(data, offset + _HEADER.size)
                if code:
                    raise _refused(-code, sequence)
                if sequence == last:
                    return
            offset += (length + 3) & ~3


def _refused(code: int, sequence: int) -> OSError:
    name = errno.errorcode.get(code, str(code))
    return OSError(code, f"nf_tables refuses message {sequence}: {name}, {os.strerror(code)}")
