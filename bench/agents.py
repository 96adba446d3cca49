"""Agents in this process over real gRPC, and a plain line to XAPI beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import XenAPI
from prometheus_client import REGISTRY

from bench.simulator import LOGIN
from chassis.channels import open_channel
from chassis.lifetime import Lifetime
from chassis.server import Server
from chassis.tls import TlsSettings
from hostagent.assembly import assemble
from hostagent.model.settings import MigrationSettings, XapiSettings
from hostagent.settings import Settings
from xenferry.hostagent.v1 import host_agent_pb2, host_agent_pb2_grpc

GRACE_S = 0.5
SR_FILTER = "other-config:bench=disks"


@asynccontextmanager
async def agent(url: str, host: str) -> AsyncIterator[tuple[Any, Any]]:
    """Serve an agent; yields its stub and what it tells of its host."""
    user, password = LOGIN
    xapi = XapiSettings(url=url, user=user, password=password, host=host)
    settings = Settings(
        xapi=xapi,
        migration=MigrationSettings(max_concurrent_moves=8, sr_matching_filter=SR_FILTER),
    )
    async with assemble(settings, Lifetime()) as application:
        server = Server(application.services, Lifetime(), application.translate)
        address = await server.start("127.0.0.1:0", TlsSettings())
        async with open_channel(address, TlsSettings()) as channel:
            stub: Any = host_agent_pb2_grpc.HostAgentStub(channel)
            info = await stub.GetAgentInfo(host_agent_pb2.GetAgentInfoRequest(), timeout=20)
            yield stub, info.host
        await server.stop(GRACE_S)


def xapi_calls() -> float:
    """Return how many calls the agents have made so far."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "xenferry_xapi_calls_total" and sample.labels["method"] != "event.from"
    )


def operator(url: str) -> Any:
    """Return a line of our own to XAPI."""
    session = XenAPI.Session(url)
    session.xenapi.login_with_password(*LOGIN, "1.0", "bench")
    return session.xenapi


def guests(url: str, host: str) -> list[str]:
    """Return the uuids of the guests of a host."""
    api = operator(url)
    (ref,) = api.host.get_by_name_label(host)
    records = api.VM.get_all_records().values()
    return [
        str(one["uuid"])
        for one in records
        if one["resident_on"] == ref and not one["is_control_domain"]
    ]
