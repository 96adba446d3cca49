"""The HTTP under a XenAPI session: it sends once.

The library's own transport posts a call again when the connection drops, which moved a VM twice
(recorded with XenAPI 26.21: Async.VM.pool_migrate arrived twice). It also has no timeouts.
"""

import contextlib
import socket
import ssl
import threading
from typing import Any

from hostagent.xapi import wire
from hostagent.xapi.http import OK, BadReply, Connection


class NotSent(Exception):
    """There was no connection: the other side has seen nothing of the call."""


class NoAnswer(Exception):
    """The call was sent, wholly or in part, and no answer came back that can be read."""


class Dropped(NoAnswer):
    """… because the connection went, not because time ran out: a read may be sent again."""


class SendsOnce:
    """A transport for XenAPI.Session: one kept-alive connection, one attempt a call, timeouts.

    It belongs to one thread; only `abort` may be called from another.
    """

    def __init__(self, connect_timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self.timeout_s = connect_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._connection: Connection | None = None
        self._aborted = threading.Event()

    def request(self, host: str, handler: str, body: bytes, verbose: object = False) -> tuple[Any]:
        """Send one call and return its value in a tuple, as XenAPI.Session expects.

        Raises NotSent, NoAnswer (Dropped) or xmlrpc.client.Fault.
        """
        del verbose
        connection = self._connected(host)
        try:
            status, reply, stays_open = connection.post(handler or "/RPC2", body, self.timeout_s)
        except TimeoutError as error:
            self.close()
            raise NoAnswer(f"no answer within {self.timeout_s:g} s") from error
        except (OSError, BadReply) as error:
            self.close()
            raise Dropped(str(error) or type(error).__name__) from error
        if not stays_open or status != OK:
            self.close()
        if status != OK:
            raise NoAnswer(f"HTTP {status}")
        return (_decoded(reply),)

    def _connected(self, host: str) -> Connection:
        connection = self._connection
        if connection is not None and connection.usable:
            return connection
        self.close()
        if self._aborted.is_set():
            raise NotSent("the agent is stopping")
        try:
            self._connection = Connection.open(host, self._connect_timeout_s, self._tls)
        except OSError as error:
            why = "no connection in time" if isinstance(error, TimeoutError) else str(error)
            raise NotSent(f"{host}: {why}") from error
        return self._connection

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """Wake whoever waits for an answer here, with NoAnswer, and open no more connections."""
        self._aborted.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):  # closed meanwhile, which is what we want
                connection.sock.shutdown(socket.SHUT_RDWR)


def _decoded(reply: bytes) -> Any:
    try:
        return wire.decode(reply)
    except ValueError as error:
        raise NoAnswer(str(error)) from error
