"""One thread's line to XAPI: a XenAPI session on a transport of ours, errors mapped."""

import xmlrpc.client
from typing import Any

import XenAPI

from hostagent.xapi import classify
from hostagent.xapi.session import Redirected, SessionDied, Ticket
from hostagent.xapi.transport import NoAnswer, SendsOnce


class Line:
    """Sends calls with a ticket; XenAPI sessions are not thread-safe, so a thread has its own.

    The library's session is used raw: its own handling of a dead session logs in and sends the
    call again, and takes the death of another pool's session, named in a call, for its own.
    """

    def __init__(self, transport: SendsOnce) -> None:
        self._transport = transport
        self._url = ""
        self._session: Any = None

    def send(
        self, ticket: Ticket, method: str, arguments: tuple[Any, ...], timeout_s: float
    ) -> Any:
        """Return XAPI's value; raises XapiError, SessionDied, Redirected, NotSent or NoAnswer."""
        session = self._at(ticket.url)
        self._transport.timeout_s = timeout_s
        try:
            answer = getattr(session, method)(ticket.session, *arguments)
        except xmlrpc.client.Fault as fault:
            raise NoAnswer(f"fault {fault.faultCode}: {fault.faultString}") from fault
        if not isinstance(answer, dict) or "Status" not in answer:
            raise NoAnswer("the reply is no answer of XAPI")
        if answer["Status"] == "Success":
            return answer["Value"]
        raise _failure(ticket, method, answer["ErrorDescription"])

    def _at(self, url: str) -> Any:
        if self._url != url:
            self._transport.close()
            self._session = XenAPI.Session(url, transport=self._transport)
            self._url = url
        return self._session

    def log_out(self, ticket: Ticket, timeout_s: float) -> None:
        """End the session at XAPI; raises as `send` does."""
        try:
            self.send(ticket, "session.logout", (), timeout_s)
        finally:
            self._transport.close()

    def abort(self) -> None:
        """Wake the thread that waits on this line; no call gets through any more."""
        self._transport.abort()


def _failure(ticket: Ticket, method: str, error: list[str]) -> Exception:
    if error == ["SESSION_INVALID", ticket.session]:
        return SessionDied(ticket.url)
    if error[0] == "HOST_IS_SLAVE":
        return Redirected(error[1])
    return classify.failure(method, error)
