"""The HTTP that carries the calls, byte by byte: a client may send it in any pieces."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.sim import PATIENCE_S, Simulator

LIST = b"<methodCall><methodName>pool.get_all</methodName><params>%b</params></methodCall>"
NOBODY = LIST % b"<param><value>OpaqueRef:nobody</value></param>"
ENDING = b"</methodResponse>"
HEAD = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n%b\r\n"


def request(more: bytes = b"", body: bytes = NOBODY) -> bytes:
    return HEAD % (len(body), more) + body


@contextmanager
def connected(sim: Simulator) -> Iterator[socket.socket]:
    host, port = sim.endpoints["xs1"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        yield connection


def read_until(connection: socket.socket, ending: bytes, times: int = 1) -> bytes:
    received = b""
    while received.count(ending) < times:
        more = connection.recv(65_536)
        assert more, received
        received += more
    return received


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_request_may_come_in_any_pieces(sim: Simulator) -> None:
    with connected(sim) as connection:
        for byte in request():
            connection.sendall(bytes([byte]))

        assert b"SESSION_INVALID" in read_until(connection, ENDING)


def test_requests_sent_together_are_answered_in_their_order(sim: Simulator) -> None:
    other = LIST % b"<param><value>OpaqueRef:other</value></param>"
    with connected(sim) as connection:
        connection.sendall(request() + request(body=other))

        answers = read_until(connection, ENDING, times=2)

    assert answers.index(b"OpaqueRef:nobody") < answers.index(b"OpaqueRef:other")


def test_a_client_that_asks_first_is_told_to_go_on(sim: Simulator) -> None:
    with connected(sim) as connection:
        connection.sendall(HEAD % (len(NOBODY), b"Expect: 100-continue\r\n"))
        assert read_until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

        connection.sendall(NOBODY)
        assert read_until(connection, ENDING).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "sent", [request(b"Connection: close\r\n"), request().replace(b"1.1", b"1.0")]
)
def test_a_client_that_wants_no_more_gets_its_answer_and_the_end(
    sim: Simulator, sent: bytes
) -> None:
    with connected(sim) as connection:
        connection.sendall(sent)

        assert read_to_end(connection).endswith(ENDING)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/2\r\n\r\n",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"x" * 70_000,
    ],
    ids=["words", "version", "header", "length", "chunks", "endless"],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(sim: Simulator, sent: bytes) -> None:
    with connected(sim) as connection:
        connection.sendall(sent)

        assert read_to_end(connection).startswith(b"HTTP/1.1 400 ")


def test_an_empty_line_before_a_request_is_skipped(sim: Simulator) -> None:
    with connected(sim) as connection:
        connection.sendall(request())
        read_until(connection, ENDING)
        connection.sendall(b"\r\n" + request())

        assert b"SESSION_INVALID" in read_until(connection, ENDING)
