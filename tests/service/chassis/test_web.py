"""/metrics and /healthz, asked over HTTP."""

import aiohttp

from chassis.lifetime import Lifetime
from chassis.web import WebServer


async def test_healthz_tells_what_troubles_the_service_and_metrics_count_its_calls() -> None:
    trouble = [""]
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
            async with session.get("/metrics") as reply:
                assert "grpc_server_handled_total" in await reply.text()
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
