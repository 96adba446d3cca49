"""Where a host can be reached: a TCP port with or without TLS, or a unix socket."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Protocols = Callable[[], asyncio.Protocol]
BACKLOG = 100
"""Clients that may wait to be served."""


class Door(Protocol):
    """Opens again after it was closed, at the same address."""

    @property
    def address(self) -> str: ...

    def listen(self) -> socket.socket:
        """Clients can connect from here on, and wait to be served."""

    async def serve(self, listener: socket.socket, protocols: Protocols) -> asyncio.Server: ...


class TcpDoor:
    """Takes its port at once, so that the address is known before anything listens."""

    def __init__(self, bind: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._socket: socket.socket | None = bound(bind, port)
        self._at: tuple[str, int] = self._socket.getsockname()[:2]
        self._tls = tls

    @property
    def address(self) -> str:
        return f"{self._at[0]}:{self._at[1]}"

    def listen(self) -> socket.socket:
        listener = self._socket or bound(*self._at)
        self._socket = None
        listener.listen(BACKLOG)
        return listener

    async def serve(self, listener: socket.socket, protocols: Protocols) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocols, sock=listener, ssl=self._tls, backlog=BACKLOG)


@dataclass(frozen=True, slots=True)
class UnixDoor:
    path: Path

    @property
    def address(self) -> str:
        return str(self.path)

    def listen(self) -> socket.socket:
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(BACKLOG)
        return listener

    async def serve(self, listener: socket.socket, protocols: Protocols) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_unix_server(protocols, sock=listener, backlog=BACKLOG)


def bound(bind: str, port: int) -> socket.socket:
    """A socket that has its port; port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((bind, port))
    return listener
