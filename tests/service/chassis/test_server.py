"""What every service gives its callers: typed errors, no hanging calls, health, an orderly end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis import answers
from chassis.channels import open_channel
from chassis.lifetime import Lifetime
from chassis.server import BindFailed, Server
from chassis.tls import PlaintextRefused, TlsSettings
from tests.service.chassis import moody
from tests.support.serving import serving, untranslated
from xenferry.controller.v1 import inventory_pb2, inventory_pb2_grpc

Stub = Any


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with (
        serving([moody.service(moody.Moody())]) as address,
        open_channel(address, TlsSettings()) as channel,
    ):
        yield inventory_pb2_grpc.InventoryStub(channel)


async def failure(stub: Stub, host: str) -> answers.Answer:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetHost(inventory_pb2.GetHostRequest(host=host), timeout=5)
    return answers.read(caught.value)


async def test_a_good_call_is_answered(stub: Stub) -> None:
    host = await stub.GetHost(inventory_pb2.GetHostRequest(host="xs1"), timeout=5)

    assert host.agent_address == "xs1"


async def test_a_refusal_carries_one_error_info_and_every_violation(stub: Stub) -> None:
    answer = await failure(stub, "refused")

    assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (answer.reason, answer.metadata) == ("DEST_DISABLED", {"xapi_error": "[]"})
    detail = answer.find(error_details_pb2.PreconditionFailure)
    assert detail is not None
    assert [(v.type, v.subject) for v in detail.violations] == [("DEST_DISABLED", "host/xs2")]


async def test_unavailable_says_when_to_try_again(stub: Stub) -> None:
    answer = await failure(stub, "away")

    assert answer.code is grpc.StatusCode.UNAVAILABLE
    retry = answer.find(error_details_pb2.RetryInfo)
    assert retry is not None
    assert retry.retry_delay.ToMilliseconds() == 2500


async def test_an_unforeseen_exception_does_not_leak_its_text(stub: Stub) -> None:
    answer = await failure(stub, "broken")

    assert answer.code is grpc.StatusCode.INTERNAL
    assert answer.reason == "INTERNAL"
    assert "secret" not in answer.message
    assert answer.metadata["request_id"]


async def test_a_handler_that_cancels_itself_does_not_leave_the_client_waiting(stub: Stub) -> None:
    answer = await failure(stub, "cancels itself")

    assert answer.code is grpc.StatusCode.INTERNAL


async def test_a_deadline_inside_the_service_is_told_as_one(stub: Stub) -> None:
    answer = await failure(stub, "slow")

    assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_stopping_ends_open_streams_with_unavailable_and_retry_info() -> None:
    servicer = moody.Moody()
    server = Server([moody.service(servicer)], Lifetime(), untranslated)
    address = await server.start("127.0.0.1:0", TlsSettings())
    async with open_channel(address, TlsSettings()) as channel:
        stream = inventory_pb2_grpc.InventoryStub(channel).WatchHosts(
            inventory_pb2.WatchHostsRequest(), timeout=30
        )
        await stream.read()
        await servicer.watching.wait()

        stopping = asyncio.create_task(server.stop(30))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        await stopping

    answer = answers.read(caught.value)
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert answer.find(error_details_pb2.RetryInfo) is not None


async def test_health_is_told_for_each_service() -> None:
    async with (
        serving([moody.service(moody.Moody())]) as address,
        open_channel(address, TlsSettings()) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", moody.NAME):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_plaintext_is_refused_on_anything_but_loopback() -> None:
    server = Server([], Lifetime(), untranslated)
    with pytest.raises(PlaintextRefused, match=r"0\.0\.0\.0:0 is not a loopback address"):
        await server.start("0.0.0.0:0", TlsSettings())
    with pytest.raises(PlaintextRefused):
        open_channel("xs1.example:7701", TlsSettings())


async def test_a_second_server_on_the_same_port_is_refused() -> None:
    async with serving([]) as address:
        server = Server([], Lifetime(), untranslated)
        with pytest.raises(BindFailed, match=address):
            await server.start(address, TlsSettings())
