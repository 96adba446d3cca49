"""The other ways to a host: TLS with the simulator's own CA, and the unix socket of dom0."""

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from tests.contract.xapisim.client import Client, until
from tests.support.sim import PATIENCE_S, Simulator

WORLD = Path(__file__).parents[3] / "deploy" / "worlds" / "demo.toml"


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    scratch = tmp_path_factory.mktemp("doors")
    options = ["--tls-dir", str(scratch / "tls"), "--unix", str(scratch / "unix")]
    with Simulator(WORLD, options=options) as simulator:
        yield simulator


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def local(sim: Simulator, host: str, method: str, *params: Any) -> Any:
    """The reply to a JSON-RPC call over the host's socket."""
    connection = UnixConnection(sim.ready["unix"][host])
    request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
    connection.request("POST", "/jsonrpc", json.dumps(request))
    reply = json.loads(connection.getresponse().read())
    connection.close()
    return reply


def secured(sim: Simulator, host: str, context: ssl.SSLContext) -> XenAPI.Session:
    url = sim.ready["tls"][host]
    return XenAPI.Session(url, transport=XenAPI.xmlrpclib.SafeTransport(context=context))


def test_a_client_that_trusts_the_ca_logs_in_over_tls(sim: Simulator) -> None:
    context = ssl.create_default_context(cafile=sim.ready["ca"])
    session = secured(sim, "xs1", context)

    session.xenapi.login_with_password(sim.user, sim.password, "1.0", "tls")

    assert len(session.xenapi.host.get_all()) == 3
    session.logout()


def test_a_client_that_does_not_trust_the_ca_refuses_the_certificate(sim: Simulator) -> None:
    session = secured(sim, "xs1", ssl.create_default_context())

    with pytest.raises(ssl.SSLCertVerificationError):
        session.xenapi.login_with_password(sim.user, sim.password)


def test_a_redirect_over_tls_names_the_tls_port_of_the_coordinator(sim: Simulator) -> None:
    session = secured(sim, "xs2", ssl.create_default_context(cafile=sim.ready["ca"]))

    with pytest.raises(XenAPI.Failure) as refused:
        session.xenapi.login_with_password(sim.user, sim.password)

    code, address = refused.value.details
    assert (code, f"https://{address}") == ("HOST_IS_SLAVE", sim.ready["tls"]["xs1"])


def test_whoever_comes_over_the_socket_is_root(sim: Simulator) -> None:
    session = local(sim, "xs1", "session.login_with_password", "nobody", "wrong")["result"]

    user = local(sim, "xs1", "session.get_auth_user_name", session, session)["result"]
    assert user == "root"


def test_a_member_passes_on_what_comes_over_its_socket(sim: Simulator) -> None:
    session = local(sim, "xs2", "session.login_with_password", "root", "")["result"]

    assert len(local(sim, "xs2", "host.get_all", session)["result"]) == 3
    assert local(sim, "xs1", "session.get_uuid", session, session)["result"]


def test_a_local_session_of_a_member_stays_its_own(sim: Simulator) -> None:
    session = local(sim, "xs2", "session.slave_local_login_with_password", "x", "y")["result"]

    assert local(sim, "xs2", "session.local_logout", session)["result"] == ""


def answered(sim: Simulator) -> Any:
    """The socket's answer as soon as it is back."""

    def attempt() -> Any:
        with contextlib.suppress(OSError):
            return local(sim, "xs1", "session.login_with_password", "root", "")
        return None

    return until(sim, attempt)


def test_a_host_away_is_away_on_every_way(sim: Simulator) -> None:
    context = ssl.create_default_context(cafile=sim.ready["ca"])
    fault = sim.fault(fault="host_offline", host="xs1")

    with pytest.raises(ConnectionRefusedError):
        secured(sim, "xs1", context).xenapi.login_with_password(sim.user, sim.password)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        local(sim, "xs1", "session.login_with_password", "root", "")

    sim.lift(fault)
    assert "result" in answered(sim)
    assert Client(sim, "xs1").api.pool.get_all()
