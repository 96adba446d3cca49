"""/metrics and /healthz, asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from chassis import metrics, web
from chassis.lifetime import Lifetime
from chassis.web import WebServer


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Return where a healthy service is asked."""
    server = WebServer(Lifetime(), lambda: "")
    yield await server.start("127.0.0.1:0")
    await server.stop()


async def raw(address: str, request: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_healthz_tells_what_troubles_the_service_and_metrics_count_its_calls() -> None:
    trouble = [""]
    metrics.STARTED.labels("unary", "quay.Berths", "Moor").inc()
    web = WebServer(Lifetime(), lambda: trouble[0])
    address = await web.start("127.0.0.1:0")
    try:
        async with aiohttp.ClientSession(f"http://{address}") as session:
            async with session.get("/healthz") as reply:
                assert (reply.status, await reply.json()) == (200, {"healthy": True, "trouble": ""})
            trouble[0] = "the database does not answer"
            async with session.get("/healthz") as reply:
                assert reply.status == 503
                assert (await reply.json())["trouble"] == "the database does not answer"
            async with session.get("/metrics?name[]=up") as reply:
                assert reply.headers["Content-Type"].startswith("text/plain; version=")
                assert 'grpc_method="Moor",grpc_service="quay.Berths"' in await reply.text()
    finally:
        await web.stop()


async def test_a_stopping_service_is_not_healthy() -> None:
    lifetime = Lifetime()
    web = WebServer(lifetime, lambda: "")
    address = await web.start("127.0.0.1:0")
    try:
        lifetime.stop()
        async with (
            aiohttp.ClientSession(f"http://{address}") as session,
            session.get("/healthz") as reply,
        ):
            assert reply.status == 503
    finally:
        await web.stop()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /healthz HTTP/1.0", b"200 OK"),
        (b"GET /secrets HTTP/1.1", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /metrics", b"400 Bad Request"),
        (b"\xff\xfe", b"400 Bad Request"),
        (b"GET /" + b"a" * web.HEAD_BYTES + b" HTTP/1.1", b"431 Request Header Fields Too Large"),
    ],
)
async def test_what_is_no_request_for_a_page_is_told_so(
    address: str, request_line: bytes, status: bytes
) -> None:
    answer = await raw(address, request_line + b"\r\nHost: here\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")


async def test_a_head_is_answered_without_a_body(address: str) -> None:
    answer = await raw(address, b"HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_whoever_hangs_up_or_says_nothing_keeps_nobody_from_stopping() -> None:
    server = WebServer(Lifetime(), lambda: "")
    host, port = (await server.start("127.0.0.1:0")).split(":")
    _, gone = await asyncio.open_connection(host, int(port))
    gone.write(b"GET /metr")
    gone.close()
    reader, silent = await asyncio.open_connection(host, int(port))
    silent.write(b"GET /metrics HTTP/1.1\r\n")
    await raw(f"{host}:{port}", b"GET /healthz HTTP/1.1\r\n\r\n")

    await server.stop()

    assert await reader.read() == b""
    silent.close()
