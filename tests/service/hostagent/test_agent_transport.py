"""The HTTP under XAPI: sent once, with timeouts, over TLS that is checked."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from hostagent.model.settings import XapiSettings
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiOutcomeUnknown, XapiUnavailable
from hostagent.xapi.transport import Dropped, NoAnswer, NotSent, SendsOnce

BODY = b"<methodCall/>"
VALUE = b"<methodResponse><params><param><value>pong</value></param></params></methodResponse>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(VALUE), VALUE)
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\n" + VALUE
BROKEN = b"HTTP/1.1 500 Internal Error\r\nContent-Length: 0\r\n\r\n"
CUT_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<methodResponse>"
GARBAGE = b"220 smtp.example.org\r\n"


class Peer:
    """A server that gives one scripted answer a request and counts what it received."""

    def __init__(self, answers: list[bytes | None], tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = 0
        self.released = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            try:
                plain, _ = self._listener.accept()
                connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            except OSError:
                continue
            with connection:
                while self._answers and connection.recv(65_536):
                    self.received += 1
                    answer = self._answers.pop(0)
                    if answer is None:
                        self.released.wait(10)
                        break
                    connection.sendall(answer)
                    if answer not in (ANSWER, BROKEN):
                        break

    def close(self) -> None:
        """Stop serving."""
        self.released.set()
        self._answers.clear()
        self._listener.close()


@contextmanager
def peer(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run a peer with its answers; None is silence."""
    serving = Peer(list(answers), tls)
    try:
        yield serving
    finally:
        serving.close()


def test_one_connection_serves_many_calls() -> None:
    with peer(ANSWER, ANSWER) as server:
        transport = SendsOnce(1.0, None)

        assert transport.request(server.address, "/", BODY) == ("pong",)
        assert transport.request(server.address, "/", BODY) == ("pong",)
        transport.close()


def test_an_answer_without_a_length_is_read_to_its_end_and_the_next_call_connects_anew() -> None:
    with peer(UNTIL_CLOSED, ANSWER) as server:
        transport = SendsOnce(1.0, None)

        assert transport.request(server.address, "/", BODY) == ("pong",)
        assert transport.request(server.address, "/", BODY) == ("pong",)
        transport.close()


@pytest.mark.parametrize("answer", [b"", BROKEN, CUT_OFF, GARBAGE])
def test_a_call_without_a_good_answer_is_sent_once(answer: bytes) -> None:
    with peer(answer, ANSWER) as server:
        transport = SendsOnce(1.0, None)

        with pytest.raises(NoAnswer):
            transport.request(server.address, "/", BODY)

        assert server.received == 1


def test_silence_ends_with_the_timeout_and_not_as_a_dropped_connection() -> None:
    with peer(None) as server:
        transport = SendsOnce(1.0, None)
        transport.timeout_s = 0.1

        with pytest.raises(NoAnswer, match="within") as silent:
            transport.request(server.address, "/", BODY)

    assert not isinstance(silent.value, Dropped)


def test_where_nobody_listens_nothing_is_sent() -> None:
    with socket.socket() as deaf:  # bound, so that nobody else gets the port, and not listening
        deaf.bind(("127.0.0.1", 0))
        transport = SendsOnce(0.5, None)

        with pytest.raises(NotSent):
            transport.request(f"127.0.0.1:{deaf.getsockname()[1]}", "/", BODY)


def test_a_wait_is_woken_by_abort_and_no_call_follows() -> None:
    with peer(None, ANSWER) as server:
        transport = SendsOnce(5.0, None)
        timer = threading.Timer(0.1, transport.abort)
        timer.start()

        with pytest.raises(NoAnswer):
            transport.request(server.address, "/", BODY)
        with pytest.raises(NotSent, match="stopping"):
            transport.request(server.address, "/", BODY)


def test_a_certificate_of_our_authority_is_accepted_and_another_is_not() -> None:
    ours, foreign = trustme.CA(), trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(server_side)
    trusting, doubting = ssl.create_default_context(), ssl.create_default_context()
    ours.configure_trust(trusting)
    foreign.configure_trust(doubting)

    with peer(ANSWER, ANSWER, tls=server_side) as server:
        with pytest.raises(NotSent, match="certificate"):
            SendsOnce(1.0, doubting).request(server.address, "/", BODY)
        transport = SendsOnce(1.0, trusting)

        assert transport.request(server.address, "/", BODY) == ("pong",)
        transport.close()


def a_client(address: str, ca_file: Path | None = None) -> Client:
    """Return a client that has not logged in."""
    scheme = "https" if ca_file else "http"
    settings = XapiSettings(url=f"{scheme}://{address}", ca_file=ca_file, read_timeout_s=0.5)
    return Client(settings, "secret", 1)


async def test_without_a_login_nothing_is_changed() -> None:
    with peer(b"", b"", b"") as server:
        client = a_client(server.address)

        with pytest.raises(XapiUnavailable):
            await client.change("VM.destroy", "OpaqueRef:vm")
        await client.close()


LOGIN = (
    b"<methodResponse><params><param><value><struct><member><name>Status</name><value>Success"
    b"</value></member><member><name>Value</name><value>OpaqueRef:session</value></member>"
    b"</struct></value></param></params></methodResponse>"
)
LOGGED_IN = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(LOGIN),
    LOGIN,
)


async def test_a_change_without_an_answer_is_of_unknown_outcome_and_sent_once() -> None:
    with peer(LOGGED_IN, b"", LOGGED_IN) as server:
        client = a_client(server.address)

        with pytest.raises(XapiOutcomeUnknown):
            await client.change("VM.destroy", "OpaqueRef:vm")

        assert server.received == 2
        await client.close()


async def test_a_read_whose_connection_dropped_is_sent_again() -> None:
    with peer(LOGGED_IN, b"", LOGGED_IN, LOGGED_IN) as server:
        client = a_client(server.address)

        assert await client.read("VM.get_uuid", "OpaqueRef:vm") == "OpaqueRef:session"
        await client.close()
