"""Calls to XAPI from asyncio: each runs on a thread with its own line, all share one login.

A read may be sent again after a dropped connection; a call that changes something never is. What
XAPI has refused to look at (a dead session, the wrong host) was not carried out, so both kinds
are sent again after a new login.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from hostagent.model.settings import XapiSettings
from hostagent.xapi import certificate, measuring
from hostagent.xapi.errors import (
    XapiError,
    XapiOutcomeUnknown,
    XapiRefused,
    XapiUnavailable,
)
from hostagent.xapi.line import Line
from hostagent.xapi.login import Login
from hostagent.xapi.session import Redirected, SessionDied, Ticket
from hostagent.xapi.transport import Dropped, NoAnswer, NotSent, SendsOnce

MOST_LOGINS = 3
LOGOUT_S = 2.0

ResultT = TypeVar("ResultT")


class Client:
    """Typed verbs (`hosts`, `vms`, `tasks`, …) take one of these."""

    def __init__(self, settings: XapiSettings, password: str, moves: int) -> None:
        self._settings = settings
        self._tls = certificate.context(settings)
        self.login = Login(settings, password, self._tls, _originator(settings))
        self._calls = ThreadPoolExecutor(settings.threads, "xapi-call")
        # Moves that were begun by a predecessor are followed too, beside the `moves` of our own.
        self._waits = ThreadPoolExecutor(moves + settings.threads, "xapi-wait")
        self._own = threading.local()
        self._lines: list[Line] = []
        self._closed = threading.Event()

    @property
    def url(self) -> str:
        """Where it was told to find XAPI."""
        return self._settings.url

    async def read(self, method: str, *arguments: Any) -> Any:
        """Return what a call that changes nothing answers; raises XapiError."""
        return await self.run(lambda: self.read_now(method, *arguments))

    async def wait(self, method: str, *arguments: Any, timeout_s: float) -> Any:
        """Like `read`, for a call that XAPI answers late: on a thread that may sit there."""
        return await self._run(
            self._waits, lambda: self.read_now(method, *arguments, timeout_s=timeout_s)
        )

    async def change(self, method: str, *arguments: Any) -> Any:
        """Return what a call that changes something answers; it is sent once.

        Raises XapiOutcomeUnknown when no answer came, or another XapiError.
        """
        return await self.run(lambda: self.change_now(method, *arguments))

    async def run(self, calls: Callable[[], ResultT]) -> ResultT:
        """Make a few calls (`read_now`, `change_now`) in a row on one thread.

        A hop to a thread and back costs as much CPU as a small call.
        """
        return await self._run(self._calls, calls)

    def read_now(self, method: str, *arguments: Any, timeout_s: float | None = None) -> Any:
        """Like `read`, on the thread of the caller."""
        limit = timeout_s or self._settings.read_timeout_s
        try:
            return self._answered(method, arguments, limit)
        except (NotSent, Dropped) as first:
            if self._closed.is_set():
                raise XapiUnavailable(method, "the agent is stopping") from first
        except NoAnswer as error:
            raise XapiUnavailable(method, str(error)) from error
        except XapiOutcomeUnknown as error:  # a read: nothing was changed, whatever came of it
            raise XapiUnavailable(method, str(error), error.error) from error
        try:
            return self._answered(method, arguments, limit)
        except (NotSent, NoAnswer) as error:
            raise XapiUnavailable(method, str(error)) from error

    def once_now(self, method: str, *arguments: Any, timeout_s: float) -> Any:
        """Like `read_now`, for a call that means something to one session alone: never sent again.

        Raises XapiError; after a dead session the next call has a new one.
        """
        ticket = self.login.current()
        try:
            with measuring.call(method):
                return self._line().send(ticket, method, arguments, timeout_s)
        except Redirected as redirected:
            self.login.invalidate(ticket, redirected.address)
            raise XapiUnavailable(method, "the coordinator is another now") from redirected
        except SessionDied as died:
            self.login.invalidate(ticket)
            raise XapiUnavailable(method, "the session died") from died
        except NotSent as error:
            self.login.invalidate(ticket)
            raise XapiUnavailable(method, str(error)) from error
        except NoAnswer as error:
            raise XapiUnavailable(method, str(error)) from error

    def change_now(self, method: str, *arguments: Any) -> Any:
        """Like `change`, on the thread of the caller."""
        try:
            return self._answered(method, arguments, self._settings.read_timeout_s)
        except NotSent as error:
            raise XapiUnavailable(method, str(error)) from error
        except NoAnswer as error:
            raise XapiOutcomeUnknown(method, str(error)) from error

    def foreign_now(self, session: str, method: str, *arguments: Any) -> Any:
        """Make a call with a session that is not ours (a receive ticket's), once, on this thread.

        Raises XapiError.
        """
        ticket = Ticket(self.login.current().url, session)
        try:
            return self._line().send(ticket, method, arguments, self._settings.read_timeout_s)
        except SessionDied as died:
            raise XapiRefused(method, ["SESSION_INVALID"]) from died
        except (NotSent, NoAnswer, Redirected) as error:
            raise XapiUnavailable(method, "the ticket's session can't be used now") from error

    async def close(self) -> None:
        """Log out, wake every thread and wait for them."""
        self._closed.set()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._log_out)
        for line in list(self._lines):
            line.abort()
        for pool in (self._calls, self._waits):
            await loop.run_in_executor(None, pool.shutdown)

    def _answered(self, method: str, arguments: tuple[Any, ...], timeout_s: float) -> Any:
        line = self._line()
        for _ in range(MOST_LOGINS):
            ticket = self.login.current()
            try:
                with measuring.call(method):
                    return line.send(ticket, method, arguments, timeout_s)
            except SessionDied:
                self.login.invalidate(ticket)
            except Redirected as redirected:
                self.login.invalidate(ticket, redirected.address)
            except NotSent:
                self.login.invalidate(ticket)  # the coordinator may be another by now
                raise
        raise XapiUnavailable(method, f"{MOST_LOGINS} new sessions died at once")

    def _line(self) -> Line:
        line: Line | None = getattr(self._own, "line", None)
        if line is None:
            line = Line(SendsOnce(self._settings.connect_timeout_s, self._tls))
            self._own.line = line
            self._lines.append(line)
        return line

    def _log_out(self) -> None:
        ticket = self.login.take()
        if ticket is None:
            return
        line = Line(SendsOnce(self._settings.connect_timeout_s, self._tls))
        with contextlib.suppress(NotSent, NoAnswer, SessionDied, Redirected, XapiError):
            line.log_out(ticket, LOGOUT_S)  # what is not logged out, XAPI forgets by itself

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[], ResultT]) -> ResultT:
        if self._closed.is_set():
            raise XapiUnavailable("", "the agent is stopping")
        return await asyncio.get_running_loop().run_in_executor(pool, call)


def _originator(settings: XapiSettings) -> str:
    # XAPI keeps the newest 500 sessions of an originator: agents must not evict each other's.
    return f"xenferry-hostagent/{settings.host or settings.url}"
