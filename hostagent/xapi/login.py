"""The one login that all threads share: where the coordinator is, and the session there."""

import contextlib
import ssl
import threading
import time
import xmlrpc.client
from collections.abc import Iterable
from urllib.parse import urlsplit

import structlog
import XenAPI

from hostagent.model.settings import XapiSettings
from hostagent.xapi import classify, measuring
from hostagent.xapi.errors import XapiError, XapiTransient, XapiUnavailable
from hostagent.xapi.line import Line
from hostagent.xapi.pool_guard import PoolGuard
from hostagent.xapi.session import Redirected, SessionDied, Ticket
from hostagent.xapi.transport import NoAnswer, NotSent, SendsOnce

log = structlog.get_logger()

METHOD = "session.login_with_password"
# A pool has one coordinator; while it changes, members point at each other for a moment.
MOST_REDIRECTIONS = 4
# A wrong password takes XAPI 2 to 5 s; a member that takes longer is passed over for the next.
LOGIN_S = 10.0
LOGOUT_S = 2.0


class Login:
    """Gives out the session, and makes a new one when a caller says that it died."""

    def __init__(
        self, settings: XapiSettings, password: str, tls: ssl.SSLContext | None, originator: str
    ) -> None:
        self._settings = settings
        self._password = password
        self._tls = tls
        self._originator = originator
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._coordinator = settings.url
        self._members: tuple[str, ...] = ()
        self._failure: tuple[float, XapiError] | None = None
        self.guard = PoolGuard()
        self.made = 0
        """Sessions that were made so far: who sees it grow was connected anew."""

    def current(self) -> Ticket:
        """Return the session, logging in if there is none; raises XapiError.

        Who waited while another thread tried in vain shares its failure.
        """
        came = time.monotonic()
        with self._lock:
            if self._ticket is not None:
                return self._ticket
            if self._failure is not None and self._failure[0] > came:
                raise self._failure[1]
            try:
                self._ticket = self._log_in()
                self.made += 1
            except XapiError as error:
                self._failure = (time.monotonic(), error)
                raise
            return self._ticket

    def invalidate(self, ticket: Ticket, coordinator: str = "") -> None:
        """Forget a session that died, unless another thread has replaced it already.

        `coordinator` is the address that HOST_IS_SLAVE told, if it did.
        """
        with self._lock:
            if self._ticket == ticket:
                self._ticket = None
                if coordinator:
                    self._coordinator = moved_to(self._settings.url, coordinator)

    def know_members(self, addresses: Iterable[str]) -> None:
        """Remember where else to ask when the coordinator does not answer."""
        self._members = tuple(moved_to(self._settings.url, address) for address in addresses)

    def take(self) -> Ticket | None:
        """Return the session, if there is one, and forget it."""
        with self._lock:
            ticket, self._ticket = self._ticket, None
            return ticket

    def _log_in(self) -> Ticket:
        """Try the last coordinator, the configured address, and every member that was told of."""
        places = dict.fromkeys((self._coordinator, self._settings.url, *self._members))
        first: XapiError | None = None
        for url in places:
            try:
                return self._log_in_from(url)
            except (XapiUnavailable, XapiTransient) as error:  # away, or lost its coordinator
                first = first or error
        raise first or XapiUnavailable(METHOD, "there is no address to ask")

    def _log_in_from(self, url: str) -> Ticket:
        """Log in at `url` or at the coordinator that it names."""
        for _ in range(MOST_REDIRECTIONS):
            transport = SendsOnce(self._settings.connect_timeout_s, self._tls)
            transport.timeout_s = min(self._settings.read_timeout_s, LOGIN_S)
            try:
                ticket = self._admitted(Ticket(url, self._log_in_at(url, transport)), transport)
            except Redirected as redirected:
                url = moved_to(self._settings.url, redirected.address)
                continue
            finally:
                transport.close()
            self._coordinator = url
            log.info("xapi.logged_in", url=url)
            return ticket
        raise XapiUnavailable(METHOD, f"{url} and others point at each other as coordinator")

    def _log_in_at(self, url: str, transport: SendsOnce) -> str:
        session = XenAPI.Session(url, transport=transport)
        try:
            with measuring.call(METHOD):
                self._ask_for_session(session)
        except (NotSent, NoAnswer, xmlrpc.client.Fault) as error:
            raise XapiUnavailable(METHOD, f"{url}: {error}") from error
        return str(session.handle)

    def _ask_for_session(self, session: XenAPI.Session) -> None:
        try:
            session.login_with_password(
                self._settings.user, self._password, "1.0", self._originator
            )
        except XenAPI.Failure as failure:
            if failure.details[0] == "HOST_IS_SLAVE":
                raise Redirected(failure.details[1]) from failure
            raise classify.failure(METHOD, failure.details) from failure

    def _admitted(self, ticket: Ticket, transport: SendsOnce) -> Ticket:
        """Return the ticket if its pool is ours; raises XapiError, with the session logged out."""
        line = Line(transport)
        limit_s = transport.timeout_s
        try:
            self.guard.admit(
                ticket.url, lambda method, *words: line.send(ticket, method, words, limit_s)
            )
        except (NotSent, NoAnswer, SessionDied) as error:
            raise XapiUnavailable(METHOD, f"{ticket.url}: {error}") from error
        except XapiError:
            with contextlib.suppress(NotSent, NoAnswer, SessionDied, Redirected, XapiError):
                line.log_out(ticket, LOGOUT_S)  # what is not logged out, XAPI forgets by itself
            raise
        return ticket


def moved_to(url: str, address: str) -> str:
    """Return `url` with another host; a port in `address` replaces that of the url."""
    parts = urlsplit(url)
    bare = address.count(":") != 1  # a name, an IPv4 address, or an IPv6 address without a port
    if not bare:
        return f"{parts.scheme}://{address}"
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}"


def describe(error: XapiError) -> str:
    """Return one line for an operator."""
    return " ".join(error.error) if error.error else str(error)
