"""How the agent reaches XAPI: over TLS, by its coordinator, and never a stranger's pool."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis.lifetime import Lifetime
from hostagent.assembly import assemble
from hostagent.doctor import controller
from hostagent.doctor.report import State
from hostagent.model.settings import ControllerSettings, XapiSettings
from hostagent.settings import Settings
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiGone, XapiTransient, XapiUnavailable
from hostagent.xapi.events import Counts
from hostagent.xapi.mirror import Change
from hostagent.xapi.pool_guard import PoolGuard
from tests.service.hostagent.fake_registry import FakeRegistry, serving_registry
from tests.service.hostagent.pool import Bench
from tests.service.hostagent.test_agent_transport import LOGGED_IN, a_client, peer
from tests.support.sim import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORLD = """
[pool]
name = "quay"
[[host]]
name = "xs1"
[[host]]
name = "xs2"
[[network]]
name = "lan"
[[sr]]
name = "nfs-1"
"""
POOL = "5d0c1b3e-7a52-4d0f-9c55-000000000001"
HOST = "5d0c1b3e-7a52-4d0f-9c55-000000000011"


def answered(*words: str) -> bytes:
    """Return XAPI's refusal as it stands on the wire."""
    array = "".join(f"<value>{word}</value>" for word in words)
    body = (
        "<methodResponse><params><param><value><struct><member><name>Status</name><value>Failure"
        "</value></member><member><name>ErrorDescription</name><value><array><data>"
        f"{array}</data></array></value></member></struct></value></param></params>"
        "</methodResponse>"
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_an_agent_works_over_tls_also_where_a_member_sends_it_to_the_coordinator(
    tmp_path: Path,
) -> None:
    with Simulator(WORLD, options=["--tls-dir", str(tmp_path)]) as simulator:
        xapi = XapiSettings(
            url=simulator.ready["tls"]["xs2"],
            password=simulator.password,
            host="xs2",
            ca_file=Path(simulator.ready["ca"]),
        )
        async with assemble(Settings(xapi=xapi), Lifetime()) as application:
            assert application.trouble() == ""
        originators = {
            call["originator"] for call in simulator.trace() if call["method"] == "event.from"
        }

    assert originators == {"xenferry-hostagent/xs2"}


async def test_a_certificate_of_another_authority_is_refused_with_what_is_wrong(
    tmp_path: Path,
) -> None:
    with Simulator(WORLD, options=["--tls-dir", str(tmp_path)]) as simulator:
        client = Client(XapiSettings(url=simulator.ready["tls"]["xs1"]), "xenferry", 1)

        with pytest.raises(XapiUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await client.read("pool.get_all")
        await client.close()


async def test_a_member_that_lost_its_coordinator_is_passed_over_for_the_next() -> None:
    with (
        peer(answered("HOST_STILL_BOOTING")) as booting,
        peer(LOGGED_IN, LOGGED_IN, LOGGED_IN) as well,
    ):
        client = a_client(booting.address)
        client.login.know_members([well.address])

        assert await client.read("VM.get_uuid", "OpaqueRef:vm") == "OpaqueRef:session"
        await client.close()


async def test_where_every_member_lost_its_coordinator_that_is_what_is_told() -> None:
    with peer(answered("HOST_MASTER_CANNOT_TALK_BACK", "10.0.0.1")) as lost:
        client = a_client(lost.address)

        with pytest.raises(XapiTransient, match="HOST_MASTER_CANNOT_TALK_BACK"):
            await client.read("pool.get_all")
        await client.close()


def pool_of(pool_id: str, hosts: set[str]) -> Callable[..., Any]:
    """Return a XAPI that answers what the guard asks."""

    def ask(method: str, *words: str) -> Any:
        if method == "pool.get_all_records":
            return {"OpaqueRef:pool": {"uuid": pool_id}}
        if words[0] not in hosts:
            raise XapiGone(method, ["UUID_INVALID", "host", words[0]])
        return "OpaqueRef:host"

    return ask


async def test_a_strange_pool_at_a_known_address_is_refused_and_the_hosts_new_pool_is_not() -> None:
    guard = PoolGuard()
    guard.admit("http://xs1", pool_of("any", set()))
    guard.serve(HOST, POOL)

    guard.admit("http://xs1", pool_of(POOL, set()))
    with pytest.raises(XapiUnavailable, match="which has no host"):
        guard.admit("http://xs1", pool_of("another", set()))
    guard.admit("http://xs1", pool_of("joined", {HOST}))
    guard.admit("http://xs1", pool_of("joined", set()))


async def test_the_agent_of_an_ejected_host_does_nothing_in_a_pool_that_is_not_its_own() -> None:
    with Simulator(WORLD) as stranger:
        settings = XapiSettings(url=stranger.endpoints["xs1"])
        client = Client(settings, stranger.password, 1)
        client.login.guard.serve(HOST, POOL)

        with pytest.raises(XapiUnavailable, match="this agent serves that host"):
            await client.read("pool.get_all")
        methods = [call["method"] for call in stranger.trace()]
        await client.close()

    assert methods[-1] == "session.logout"
    assert "pool.get_all" not in methods


async def test_a_deletion_that_xapi_forgot_to_tell_is_noticed_by_its_counts() -> None:
    counts = Counts()
    counts.note([Change("vm", "a", object()), Change("vm", "b", object())])

    assert not counts.compare({"vm": 2})
    assert not counts.compare({"vm": 1})  # perhaps of a later moment: looked at again at once
    assert counts.differed
    assert counts.compare({"vm": 1})

    counts = Counts()
    counts.note([Change("vm", "a", object()), Change("vm", "a", None)])
    assert not counts.compare({"vm": 0})


async def test_after_its_session_died_the_agent_asks_for_the_whole_pool_again(
    own_bench: Bench,
) -> None:
    before = own_bench.simulator.trace()[-1]["number"]

    own_bench.evict("xs1")

    async with asyncio.timeout(20):
        while not _asked_anew(own_bench, before):
            await own_bench.observe(own_bench.guest("vm-01"))
    assert sample("xenferry_xapi_event_reconnects_total") >= 1
    assert sample("xenferry_xapi_mirror_resyncs_total", why="lost") >= 1
    assert sample("xenferry_xapi_mirror_resyncs_total", why="counts") == 0


def _asked_anew(bench: Bench, since: int) -> bool:
    return any(
        call["method"] == "event.from"
        and call["originator"] == "xenferry-hostagent/xs1"
        and call["params"][2] == ""
        for call in bench.simulator.trace(since)
    )


async def test_calls_are_counted_by_what_became_of_them(bench: Bench) -> None:
    labels = {"method": "VM.assert_can_boot_here", "outcome": "refusal"}
    before = sample("xenferry_xapi_calls_total", **labels)

    await bench.check_dest(bench.guest("local-1"), block_migration=False)

    assert sample("xenferry_xapi_calls_total", **labels) == before + 1
    assert sample("xenferry_xapi_call_seconds_count", method="VM.assert_can_boot_here") > before
    assert sample("xenferry_xapi_mirror_age_seconds") > 0


def sample(name: str, **labels: str) -> float:
    """Return a metric's value; 0 before it was first set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_doctor_wants_one_replica_of_the_controller_to_serve() -> None:
    async with serving_registry(FakeRegistry()) as address:
        settings = Settings(
            xapi=XapiSettings(url="http://xs1"),
            controller=ControllerSettings(address=f"127.0.0.1:9, {address}"),
        )

        away, serving = await controller.reached(settings)

    assert serving.state is State.OK, serving.message
    assert away.state is State.WARNING
