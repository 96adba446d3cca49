"""Sessions as the unmodified client meets them."""

import http.client

import pytest
import XenAPI

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator


def login(sim: Simulator, host: str, *credentials: str) -> XenAPI.Session:
    session = XenAPI.Session(sim.endpoints[host])
    session.xenapi.login_with_password(*credentials)
    return session


def refusal(sim: Simulator, host: str, *credentials: str) -> list[str]:
    with pytest.raises(XenAPI.Failure) as refused:
        login(sim, host, *credentials)
    details: list[str] = refused.value.details
    return details


def test_a_login_takes_two_to_five_arguments_and_any_version(sim: Simulator) -> None:
    for extra in ((), ("9.9",), ("1.0", "golden"), ("1.0", "golden", "extra")):
        session = login(sim, "xs1", "root", "xenferry", *extra)

        assert session.xenapi.session.get_auth_user_name(session.handle) == "root"


def test_a_wrong_password_is_refused_with_the_user_it_was_for(sim: Simulator) -> None:
    details = refusal(sim, "xs1", "root", "wrong")

    assert details == ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"]


def test_a_member_sends_every_login_to_its_coordinator_before_it_looks_at_the_password(
    sim: Simulator,
) -> None:
    details = refusal(sim, "xs2", "root", "wrong")

    assert details[0] == "HOST_IS_SLAVE"
    assert f"http://{details[1]}" == sim.endpoints["xs1"]


def test_a_client_that_follows_the_member_reaches_the_coordinator(sim: Simulator) -> None:
    address = refusal(sim, "xs3", "root", "xenferry")[1]

    session = XenAPI.Session(f"http://{address}")
    session.xenapi.login_with_password("root", "xenferry")

    assert len(session.xenapi.host.get_all()) == 3


def test_host_address_is_an_endpoint_of_the_simulator(client: Client, sim: Simulator) -> None:
    address = client.api.host.get_address(client.host("xs2"))

    assert f"http://{address}" == sim.endpoints["xs2"]


def test_a_pool_session_is_redirected_at_a_member(client: Client, sim: Simulator) -> None:
    member = XenAPI.Session(sim.endpoints["xs2"])
    member._session = client.session.handle

    details = client.failure(member.xenapi.host.get_all)

    assert details == ["HOST_IS_SLAVE", client.api.host.get_address(client.host("xs1"))]


def test_a_local_session_works_at_its_member_alone(sim: Simulator) -> None:
    member = XenAPI.Session(sim.endpoints["xs2"])
    member.slave_local_login_with_password("root", "xenferry")

    assert member.xenapi.pool.is_slave("OpaqueRef:NULL") is True
    reply = XenAPI.Session(sim.endpoints["xs1"]).VM.get_all(member.handle)
    assert reply == {"Status": "Failure", "ErrorDescription": ["SESSION_INVALID", member.handle]}


def test_a_session_is_invalid_after_its_logout(sim: Simulator) -> None:
    session = login(sim, "xs1", "root", "xenferry")
    handle = session.handle

    session.xenapi.session.logout()

    reply = XenAPI.Session(sim.endpoints["xs1"]).VM.get_all(handle)
    assert reply == {"Status": "Failure", "ErrorDescription": ["SESSION_INVALID", handle]}


def test_the_client_logs_in_again_by_itself_when_its_session_is_gone(sim: Simulator) -> None:
    session = login(sim, "xs1", "root", "xenferry")
    session._session = "OpaqueRef:gone"

    assert len(session.xenapi.host.get_all()) == 3


def test_the_client_sends_a_call_twice_when_the_connection_breaks(
    client: Client, sim: Simulator
) -> None:
    """The reason why a mutating call needs a transport of its own."""
    seen = len(sim.trace())
    sim.fault(fault="drop_call", method="host.get_servertime", nth=1)

    client.api.host.get_servertime(client.host("xs1"))

    methods = [call["method"] for call in sim.trace()[seen:]]
    assert methods.count("host.get_servertime") == 2


def test_a_session_knows_who_opened_it(client: Client) -> None:
    record = client.api.session.get_record(client.session.handle)

    assert record["originator"] == "contract-tests"
    assert record["is_local_superuser"] is True
    assert record["this_host"] == client.host("xs1")


def test_one_connection_carries_many_calls(sim: Simulator) -> None:
    address = sim.endpoints["xs1"].removeprefix("http://")
    connection = http.client.HTTPConnection(address)
    body = "<methodCall><methodName>system.listMethods</methodName><params/></methodCall>"

    for _ in range(3):
        connection.request("POST", "/RPC2", body)
        reply = connection.getresponse()
        reply.read()

        assert reply.status == 200
    connection.close()
