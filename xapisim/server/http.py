"""HTTP/1.1 as far as XAPI speaks it: requests with a body, one after another on a kept connection.

Written out because it decides what a call costs: a general server takes more than the call itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MAX_HEAD_BYTES = 65_536
_HEAD_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 500: "Internal Error"}


class _BadRequestError(Exception):
    """Bytes that are no HTTP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` has lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        return "close" not in self.headers.get("connection", "").lower()


@dataclass(frozen=True, slots=True)
class Reply:
    """`head` is the header lines but for the length, each with its line end."""

    body: bytes = b""
    status: int = 200
    head: str = ""
    closes: bool = False

    def encode(self) -> bytes:
        start = f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\n{self.head}"
        return f"{start}content-length: {len(self.body)}\r\n\r\n".encode("latin-1") + self.body


def head(fields: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


Answer = Callable[[Request], Awaitable[Reply | None]]
"""None cuts the connection without a reply."""


class Server:
    """Makes the protocol of each connection, and knows those that are open."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections: set[Connection] = set()

    def __call__(self) -> "Connection":
        return Connection(self)

    def abort(self) -> None:
        """Breaks what is open; calls under way go on, and their replies go nowhere."""
        for connection in list(self.connections):
            connection.abort()

    async def shut_down(self) -> None:
        """Breaks what is open and ends the calls under way."""
        busy = [connection.job for connection in self.connections if connection.job is not None]
        self.abort()
        for job in busy:
            job.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


class Connection(asyncio.Protocol):
    """Answers one request at a time, in the order they came in."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waits_for = 0
        """The length at which there is something new to find in what was received."""
        self.job: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) >= self._waits_for:
            self._go_on()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _go_on(self) -> None:
        """Starts on the next request if it is complete and the last one is answered."""
        if self.job is not None or self._transport is None:
            return
        try:
            request = self._take()
        except _BadRequestError:
            self._transport.write(Reply(status=400, head="connection: close\r\n").encode())
            self._transport.close()
            return
        if request is not None:
            self.job = asyncio.get_running_loop().create_task(self._serve(request))

    def _take(self) -> Request | None:
        """The first request of what was received, or nothing as long as it is not complete."""
        end = self._received.find(_HEAD_END, 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._received) >= MAX_HEAD_BYTES:
                raise _BadRequestError
            return None
        request = parse_head(bytes(self._received[:end]))
        start = end + len(_HEAD_END)
        length = _length(request)
        if len(self._received) < start + length:
            self._ask_for_body(request, start + length)
            return None
        body = bytes(self._received[start : start + length])
        del self._received[: start + length]
        self._waits_for = 0
        return Request(request.method, request.path, request.headers, body)

    def _ask_for_body(self, request: Request, complete_at: int) -> None:
        asks = request.headers.get("expect", "").lower() == "100-continue"
        if asks and not self._waits_for and self._transport is not None:
            self._transport.write(_CONTINUE)
        self._waits_for = complete_at

    async def _serve(self, request: Request) -> None:
        """A call that breaks cuts the connection, which would wait for ever otherwise."""
        reply = None
        try:
            reply = await self._server.answer(request)
        finally:
            self.job = None
            self._send(request, reply)

    def _send(self, request: Request, reply: Reply | None) -> None:
        if self._transport is None:
            return
        if reply is None:
            self._transport.abort()
            return
        self._transport.write(reply.encode())
        if reply.closes or not request.keeps_alive:
            self._transport.close()
        elif self._received:
            self._go_on()


def parse_head(text: bytes) -> Request:
    """The request line and the headers."""
    first, *lines = text.lstrip(_LINE_END).decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _BadRequestError
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise _BadRequestError
        headers[name.lower()] = value.strip()
    if words[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Request(words[0], words[1].partition("?")[0], headers)


def _length(request: Request) -> int:
    """Of the body; without a length there is none, and a body in chunks is refused."""
    text = request.headers.get("content-length", "0")
    if not text.isdigit() or "transfer-encoding" in request.headers:
        raise _BadRequestError
    return int(text)
