"""The simulator's HTTP against clients that mean no good or are no clients at all, under the event
loops that it may run on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from xapisim.server import http
from xapisim.server.http import Server
from xapisim.server.messages import Reply, Request

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
SOON_S = 0.05
LONG_S = 60.0
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(request: Request) -> Reply:
    return Reply(request.body or b"nothing")


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def talk(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Lets a client talk to a server of its own; what else is given is the server's."""

    async def meet(talking: Talk, server: Server) -> None:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(server, "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await asyncio.wait_for(talking(reader, writer), LONG_S)
        finally:
            writer.close()
            await server.shut_down()
            listening.close()

    def run(
        talking: Talk,
        answer: http.Answer = echo,
        read_s: float = LONG_S,
        head_s: float = LONG_S,
    ) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(meet(talking, Server(answer, read_s=read_s, head_s=head_s)))

    return run


def post(body: bytes, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), more, body)


def test_a_client_that_says_nothing_is_timed_out(talk: Callable[..., None]) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")

    talk(silent, read_s=SOON_S)


def test_a_head_that_trickles_in_has_its_time_too(talk: Callable[..., None]) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused = asyncio.create_task(reader.read())
        while not refused.done():
            writer.write(b"x")
            await asyncio.wait([refused], timeout=SOON_S / 20)
        with contextlib.suppress(ConnectionResetError):
            assert refused.result().startswith(b"HTTP/1.1 408 ")

    talk(trickle, head_s=SOON_S)


def test_a_connection_that_was_used_may_be_silent(talk: Callable[..., None]) -> None:
    async def pause(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"one"))
        await reader.readuntil(b"one")
        quiet = asyncio.create_task(reader.read(1))
        assert await asyncio.wait([quiet], timeout=SOON_S * 3) == (set(), {quiet})
        writer.write(post(b"two"))
        assert await quiet == b"H"

    talk(pause, read_s=SOON_S, head_s=SOON_S)


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (b"16777217", 413),
        (b"9" * 5000, 413),
        (b"-1", 400),
        (b"+5", 400),
        (b"0x10", 400),
        (b"\xb2", 400),
        (b"", 400),
        (b"1e3", 400),
    ],
)
def test_a_length_that_is_none_or_too_great_is_refused(
    talk: Callable[..., None], length: bytes, status: int
) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: %b\r\n\r\n" % length)
        assert (await reader.read()).startswith(b"HTTP/1.1 %d " % status)

    talk(ask)


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"\x00" * 70_000, b"\xff\r\n\r\n"],
    ids=["TLS", "zeros", "bytes"],
)
def test_what_is_no_text_is_refused(talk: Callable[..., None], garbage: bytes) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    talk(ask)


def test_a_client_that_sends_no_more_still_gets_its_answers(talk: Callable[..., None]) -> None:
    async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going_on = asyncio.Event()
        loops.append(going_on)
        writer.write(post(b"first") + post(b"second"))
        writer.write_eof()
        going_on.set()
        received = await reader.read()
        assert received.index(b"first") < received.index(b"second")

    loops: list[asyncio.Event] = []

    async def late(request: Request) -> Reply:
        await loops[0].wait()
        return Reply(request.body)

    talk(half_close, late)


def test_half_a_request_and_no_more_ends_the_connection(talk: Callable[..., None]) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"whole")[:-1])
        writer.write_eof()
        assert await reader.read() == b""

    talk(break_off)


def test_requests_ahead_are_kept_within_bounds_and_all_answered(talk: Callable[..., None]) -> None:
    many, body = 64, b"x" * 65_536
    release: list[asyncio.Event] = []

    async def held(request: Request) -> Reply:
        await release[0].wait()
        return Reply(request.body[:1])

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        release.append(asyncio.Event())
        writer.write(post(body) * many)
        server_side = asyncio.create_task(writer.drain())
        await asyncio.wait([server_side], timeout=SOON_S)
        release[0].set()
        for _ in range(many):
            await reader.readuntil(b"\r\n\r\nx")

    talk(flood, held)


def test_a_client_that_reads_no_answers_is_asked_no_further(talk: Callable[..., None]) -> None:
    answered = []
    large = b"y" * 2_000_000

    async def heavy(request: Request) -> Reply:
        answered.append(request.path)
        return Reply(large)

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"a") * 30)
        await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=SOON_S * 4)
        assert len(answered) < 15
        for _ in range(30):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(large))

    talk(deaf, heavy)


def test_an_old_client_may_keep_its_connection(talk: Callable[..., None]) -> None:
    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = post(b"one", b"Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
        writer.write(asked)
        await reader.readuntil(b"one")
        writer.write(asked)
        await reader.readuntil(b"one")

    talk(keep)
