"""As much HTTP/1.1 as a call to XAPI takes: one POST, one answer, a connection that stays open.

http.client does the same in three times the CPU, most of it in reading headers as if they were
mail; a move makes some twenty calls.
"""

import select
import socket
import ssl
from typing import BinaryIO

LONGEST_LINE = 65_536
OK = 200


class BadReply(Exception):
    """What came back is not HTTP."""


class Connection:
    """One open connection; belongs to one thread. Every method raises OSError."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.sock = sock
        self._host = host
        self._reader: BinaryIO = sock.makefile("rb")

    @classmethod
    def open(cls, host: str, timeout_s: float, tls: ssl.SSLContext | None) -> "Connection":
        """Connect to host:port; the port defaults to that of the scheme."""
        name, port = _split(host, 80 if tls is None else 443)
        sock = socket.create_connection((name, port), timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return cls(sock, host)
        try:
            return cls(tls.wrap_socket(sock, server_hostname=name), host)
        except OSError:
            sock.close()
            raise

    @property
    def usable(self) -> bool:
        """Whether it is open and silent.

        One that is readable before we ask has been closed by the other side: a call sent there
        would be lost with its outcome unknown, for no need.
        """
        readable, _, _ = select.select([self.sock], [], [], 0)
        return not readable

    def post(self, path: str, body: bytes, timeout_s: float) -> tuple[int, bytes, bool]:
        """Send a body; return status, answer, and whether the connection stays open."""
        self.sock.settimeout(timeout_s)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: xenferry-hostagent\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.sock.sendall(head.encode("ascii") + body)
        status = self._status()
        headers = self._headers()
        length = headers.get(b"content-length")
        if length is None or not length.isdigit():
            return status, self._reader.read(), False
        reply = self._reader.read(int(length))
        if len(reply) < int(length):
            raise BadReply("the answer was cut off")
        return status, reply, headers.get(b"connection", b"").lower() != b"close"

    def close(self) -> None:
        """Close it."""
        self._reader.close()
        self.sock.close()

    def _status(self) -> int:
        words = self._line().split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise BadReply("the answer is not HTTP")
        return int(words[1])

    def _headers(self) -> dict[bytes, bytes]:
        headers = {}
        while line := self._line():
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        return headers

    def _line(self) -> bytes:
        line = self._reader.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise BadReply("the connection was closed before the answer")
        return line.rstrip(b"\r\n")


def _split(host: str, default_port: int) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.startswith("[")):
        return name.strip("[]"), int(port)
    return host.strip("[]"), default_port
