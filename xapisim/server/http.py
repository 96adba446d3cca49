"""HTTP/1.1 connections as XAPI keeps them: requests with a body, one after another.

Written out because it decides what a call costs: a general server takes more than the call itself
(docs/adr/0010-the-simulator-speaks-http-itself.md).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from xapisim.server import messages
from xapisim.server.messages import Reply, Request
from xapisim.server.traffic import Traffic

MAX_HEAD_BYTES = 65_536
MAX_AHEAD_BYTES = 2**20
"""What is read of further requests while a call is under way; the rest waits with the client."""
READ_S = 10.0
"""A connection's first request may pause this long (xapi 26.17) ..."""
HEAD_S = 60.0
"""... and its head may take this long; afterwards a connection may be silent for ever."""
_HEAD_END = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@runtime_checkable
class _Line(Protocol):
    """What a connection asks of its transport, whichever event loop made it."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_extra_info(self, name: str) -> object: ...


Answer = Callable[[Request], Awaitable[Reply | None]]
"""None cuts the connection without a reply."""


class Server:
    """Makes the protocol of each connection, and knows those that are open."""

    def __init__(
        self,
        answer: Answer,
        traffic: Traffic | None = None,
        read_s: float = READ_S,
        head_s: float = HEAD_S,
    ) -> None:
        self.answer = answer
        self.traffic = traffic or Traffic()
        self.read_s = read_s
        self.head_s = head_s
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
        self._transport: _Line | None = None
        self._received = bytearray()
        self._waits_for = 0
        """The length at which there is something new to find in what was received."""
        self._timer: asyncio.TimerHandle | None = None
        """Until the first request's head is there."""
        self._give_up_at = 0.0
        self._is_held = False
        """Whether the client doesn't read its replies."""
        self._is_ended = False
        """Whether it has said that it sends no more."""
        self.job: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, _Line):
            raise TypeError(f"no stream to write to: {transport!r}")
        self._transport = transport
        self._server.connections.add(self)
        self._give_up_at = asyncio.get_running_loop().time() + self._server.head_s
        self._wait_for_more()

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._server.traffic.end(self)
        self._transport = None
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._timer is not None:
            self._wait_for_more()
        if len(self._received) >= self._waits_for:
            self._go_on()
        if self.job is not None and len(self._received) > MAX_AHEAD_BYTES and self._transport:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """A client that sends no more still gets its answer, but not over TLS, which can't be half
        closed.
        """
        self._is_ended = True
        is_tls = self._transport is not None and self._transport.get_extra_info("sslcontext")
        return self.job is not None and not is_tls

    def pause_writing(self) -> None:
        self._is_held = True

    def resume_writing(self) -> None:
        self._is_held = False
        self._go_on()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wait_for_more(self) -> None:
        self._stop_timer()
        loop = asyncio.get_running_loop()
        at = min(loop.time() + self._server.read_s, self._give_up_at)
        self._timer = loop.call_at(at, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        self._stop_timer()
        if self._transport is not None:
            self._transport.write(Reply(status=status, head="connection: close\r\n").encode())
            self._transport.close()
            self._transport = None

    def _go_on(self) -> None:
        """Starts on the next request if it is complete, the last one is answered, and the client
        reads its answers.
        """
        if self.job is not None or self._transport is None or self._is_held:
            return
        try:
            request = self._take()
        except messages.BadRequestError as error:
            self._refuse(error.status)
            return
        if request is not None:
            self._server.traffic.begin(self, self._transport.get_extra_info("peername"))
            self.job = asyncio.get_running_loop().create_task(self._serve(request))
        elif self._is_ended:
            self._transport.close()

    def _take(self) -> Request | None:
        """The first request of what was received, or nothing as long as it is not complete."""
        end = self._received.find(_HEAD_END, 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._received) >= MAX_HEAD_BYTES:
                raise messages.BadRequestError
            return None
        self._stop_timer()
        request = messages.parse_head(bytes(self._received[:end]))
        start = end + len(_HEAD_END)
        length = messages.body_length(request)
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
        self._server.traffic.end(self)
        if self._transport is None:
            return
        if reply is None:
            self._transport.abort()
            return
        self._transport.write(reply.encode())
        if reply.closes or not request.keeps_alive:
            self._transport.close()
            return
        if not self._is_ended:
            self._transport.resume_reading()
        self._go_on()
