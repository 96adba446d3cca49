"""pool.join and pool.eject: who may, what moves, and what clients see meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import XenAPI

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import (
    LONE,
    address,
    answer,
    join,
    login,
    pool_and_lone_host,
    until_member,
)
from tests.support.sim import Simulator

NULL = "OpaqueRef:NULL"


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Where nobody joins: for refusals."""
    with pool_and_lone_host(tmp_path_factory.mktemp("apart")) as simulator:
        yield simulator


@dataclass(frozen=True)
class Together:
    """A pool that the lone host has joined, and what it was before."""

    sim: Simulator
    pool: Client
    host: str
    uuid: str
    guests: dict[str, str]
    was_still_answering: list[str]
    old_session: str


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    with pool_and_lone_host(tmp_path_factory.mktemp("together")) as simulator:
        pool, lone = Client(simulator, "a1"), Client(simulator, "b1")
        uuid = lone.api.host.get_uuid(lone.host("b1"))
        guests = {name: lone.api.VM.get_uuid(lone.vm(name)) for name in ("parked", "agent")}
        lone.api.VM.clean_shutdown(lone.vm("agent"))
        task = lone.api.Async.pool.join(address(simulator, "a1"), "root", simulator.password)
        assert lone.wait(task)["status"] == "success"
        still = answer(simulator, "b1")
        until_member(simulator, "b1", "a1", pool)
        host = pool.host("b1")
        pool.until(lambda: pool.api.host.get_enabled(host))
        yield Together(simulator, pool, host, uuid, guests, still, lone.session.handle)


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    with pool_and_lone_host(tmp_path) as simulator:
        yield simulator


@pytest.fixture
def pool(sim: Simulator) -> Client:
    return Client(sim, "a1")


@pytest.fixture
def lone(sim: Simulator) -> Client:
    return Client(sim, "b1")


def joined(sim: Simulator, pool: Client, lone: Client) -> str:
    """The ref of the lone host in the pool when it takes guests."""
    lone.api.VM.clean_shutdown(lone.vm("agent"))
    join(sim, lone)
    host = pool.host("b1")
    pool.until(lambda: pool.api.host.get_enabled(host))
    return host


def ejected(sim: Simulator, pool: Client, host: str) -> Client:
    """Logged in to the host when it has come back as a pool of its own."""
    pool.api.pool.eject(host)
    pool.until(lambda: answer(sim, "b1") == ["refused"])
    return login(sim, "b1")


def test_a_host_with_a_running_guest_cannot_join_not_even_by_force(apart: Simulator) -> None:
    lone = Client(apart, "b1")
    for force in (False, True):
        with pytest.raises(XenAPI.Failure) as refused:
            join(apart, lone, force=force)
        assert refused.value.details == ["JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"]


@pytest.mark.parametrize(
    ("to", "password", "error"),
    [
        ("", "wrong", ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"]),
        ("192.0.2.7", "", ["INTERNAL_ERROR", "Connection failed: no route to host."]),
        ("banana", "", ["JOINING_HOST_CONNECTION_FAILED"]),
    ],
)
def test_a_join_says_why_the_coordinator_could_not_be_asked(
    apart: Simulator, to: str, password: str, error: list[str]
) -> None:
    with pytest.raises(XenAPI.Failure) as refused:
        join(apart, Client(apart, "b1"), to=to, password=password)

    assert refused.value.details == error


def test_a_host_can_join_neither_itself_nor_a_member(apart: Simulator) -> None:
    lone = Client(apart, "b1")

    itself = lone.failure(lambda: join(apart, lone, to=address(apart, "b1")))
    member = lone.failure(lambda: join(apart, lone, to=address(apart, "a2")))

    assert itself == ["OPERATION_NOT_ALLOWED", "Host cannot become slave of itself"]
    assert member == ["HOST_IS_SLAVE", address(apart, "a1")]


def test_a_coordinator_of_others_cannot_join(apart: Simulator) -> None:
    pool = Client(apart, "a1")

    error = pool.failure(lambda: join(apart, pool, to=address(apart, "b1")))

    assert error == ["JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"]


def test_a_member_with_a_guest_cannot_be_ejected_and_neither_can_the_coordinator(
    apart: Simulator,
) -> None:
    pool = Client(apart, "a1")
    pool.move("app", "a2")

    error = pool.failure(pool.api.pool.eject, pool.host("a2"))

    assert error == ["OPERATION_NOT_ALLOWED", "VM resident on host"]
    assert pool.failure(pool.api.pool.eject, pool.host("a1")) == [
        "INTERNAL_ERROR",
        "Cannot_eject_master",
    ]


@pytest.mark.parametrize(
    ("change", "more", "error"),
    [
        ('\nversion = "8.2"', "", ["HOSTS_NOT_COMPATIBLE"]),
        (
            '\nxapi_build = "26.18.0"',
            "",
            ["HOSTS_NOT_HOMOGENEOUS", "Software version differs"],
        ),
        ("", '[[sr]]\nname = "b1-shared"\n', ["JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS"]),
        (
            "",
            '[[host]]\nname = "b2"\n',
            ["JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"],
        ),
    ],
)
def test_a_host_that_does_not_fit_cannot_join(
    tmp_path: Path, change: str, more: str, error: list[str]
) -> None:
    world = LONE.replace('name = "b1"', f'name = "b1"{change}', 1) + more
    with pool_and_lone_host(tmp_path, world) as sim:
        lone = Client(sim, "b1")
        lone.api.VM.clean_shutdown(lone.vm("agent"))

        assert lone.failure(lambda: join(sim, lone)) == error


def test_force_helps_against_another_build(tmp_path: Path) -> None:
    world = LONE.replace('name = "b1"', 'name = "b1"\nxapi_build = "26.18.0"', 1)
    with pool_and_lone_host(tmp_path, world) as sim:
        lone, pool = Client(sim, "b1"), Client(sim, "a1")
        lone.api.VM.clean_shutdown(lone.vm("agent"))

        join(sim, lone, force=True)

        assert pool.host("b1")


def test_a_joined_host_keeps_its_uuid_and_brings_its_guests_and_its_storage(
    together: Together,
) -> None:
    api = together.pool.api

    assert api.host.get_uuid(together.host) == together.uuid
    assert api.host.get_address(together.host) == address(together.sim, "b1")
    for name, uuid in together.guests.items():
        assert api.VM.get_uuid(together.pool.vm(name)) == uuid
    (sr,) = api.SR.get_by_name_label("b1-local")
    (vbd,) = api.VM.get_VBDs(together.pool.vm("parked"))
    assert api.VDI.get_SR(api.VBD.get_VDI(vbd)) == sr


def test_shared_storage_is_plugged_at_a_joined_host_and_guests_can_move_there(
    together: Together,
) -> None:
    pool = together.pool
    (sr,) = pool.api.SR.get_by_name_label("shared")

    pool.move("app", "b1")

    plugged = {
        record["host"]
        for record in pool.api.PBD.get_all_records().values()
        if record["SR"] == sr and record["currently_attached"]
    }
    assert together.host in plugged
    assert (pool.where("app"), together.sim.where("app")) == ("b1", ["b1"])


def test_the_agent_that_was_shut_down_for_the_join_can_be_started_again_after_it(
    together: Together,
) -> None:
    pool = together.pool

    pool.api.VM.start_on(pool.vm("agent"), together.host, False, False)

    assert together.sim.where("agent") == ["b1"]


def test_a_joined_host_answered_for_a_while_and_its_old_sessions_are_gone(
    together: Together,
) -> None:
    member = XenAPI.Session(together.sim.endpoints["b1"])

    reply = member.host.get_all(together.old_session)

    assert together.was_still_answering == []
    assert reply["ErrorDescription"] == ["SESSION_INVALID", together.old_session]


def test_the_pool_of_the_joined_host_is_no_more(together: Together) -> None:
    assert {domain["pool"] for domain in together.sim.domains()} == {"harbour"}
    assert len(together.pool.api.pool.get_all()) == 1
    assert len(together.pool.api.host.get_all()) == 3


def test_networks_of_one_bridge_become_one_network(together: Together) -> None:
    (network,) = together.pool.api.network.get_all()

    pifs = together.pool.api.network.get_PIFs(network)

    assert together.host in {together.pool.api.PIF.get_host(pif) for pif in pifs}


def test_an_ejected_host_comes_back_as_a_pool_of_its_own_and_can_join_again(
    sim: Simulator, pool: Client, lone: Client
) -> None:
    host = joined(sim, pool, lone)
    uuid = pool.api.host.get_uuid(host)

    fresh = ejected(sim, pool, host)

    assert pool.failure(pool.api.pool.eject, host) == ["HOST_OFFLINE", host]
    (record,) = fresh.api.host.get_all_records().values()
    (apart,) = fresh.api.pool.get_all_records().values()
    assert (record["uuid"], fresh.api.SR.get_all()) == (uuid, [])
    assert apart["uuid"] not in {one["uuid"] for one in pool.api.pool.get_all_records().values()}
    join(sim, fresh)
    assert pool.api.host.get_uuid(pool.host("b1")) == uuid


def test_halted_guests_of_an_ejected_host_stay_in_the_pool_without_their_local_disks(
    sim: Simulator, pool: Client, lone: Client
) -> None:
    host = joined(sim, pool, lone)

    pool.api.pool.eject(host)

    assert pool.api.SR.get_by_name_label("b1-local") == []
    assert pool.api.VM.get_VBDs(pool.vm("parked")) == []
    assert pool.api.VM.get_affinity(pool.vm("parked")) == NULL
    assert pool.failure(pool.api.host.get_record, host) == ["HANDLE_INVALID", "host", host]
