"""The calls of one host, between the wire and the dispatcher: armed faults strike here, and the
trace is kept here.
"""

import asyncio
from dataclasses import dataclass, field

from xapisim.classes.engine import Seat
from xapisim.dispatch.dispatcher import Dispatcher
from xapisim.errors import XapiError
from xapisim.trace import Trace
from xapisim.values import Value

_LOGIN = "session.login_with_password"
_LOCAL_LOGIN = "session.slave_local_login_with_password"
_LOGINS = (_LOGIN, _LOCAL_LOGIN)
_AT_THE_HOST_ITSELF = (_LOCAL_LOGIN, "session.local_logout")
_REDIRECT = "HOST_IS_SLAVE"


class DroppedError(Exception):
    """The connection is to be cut without a reply."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the way a call came in means for it.

    On a unix socket everyone is root, whatever the password, and a member passes on to its
    coordinator what it can't answer. Over TLS a redirect names the coordinator's TLS port.
    """

    is_local: bool = False
    redirects: dict[str, str] = field(default_factory=dict)


class Calls:
    def __init__(self, seat: Seat, trace: Trace, access: Access | None = None) -> None:
        self._seat = seat
        self._access = access or Access()
        self._trace = trace
        self._name = seat.name
        self._faults = seat.engine.pool.faults

    async def call(self, method: str, params: list[Value]) -> Value:
        """The value of the call; raises XapiError, and DroppedError where a fault cuts the line."""
        who = self._who(method, params)
        outcome: list[str] = []
        try:
            if self._faults:
                await self._strike_before(method)
            value = await self._dispatch(method, params)
            if self._faults and self._strikes("drop_reply", method):
                outcome = ["(reply dropped)"]
                raise DroppedError
        except XapiError as error:
            outcome = error.description
            raise
        else:
            return value
        finally:
            self._trace.add(self._name, method, who, params, outcome)

    async def _dispatch(self, method: str, params: list[Value]) -> Value:
        engine, host = self._seat.engine, self._seat.host
        if self._access.is_local:
            engine.members.check(host, method)
            if method in _LOGINS and len(params) > 1:
                account = engine.pool.account
                params = [account.user, account.password, *params[2:]]
            if method not in _AT_THE_HOST_ITSELF:
                host = engine.members.coordinator_of(host)
        try:
            return await Dispatcher(engine).call(host, method, params)
        except XapiError as error:
            if error.code != _REDIRECT or error.params[0] not in self._access.redirects:
                raise
            raise XapiError(_REDIRECT, self._access.redirects[error.params[0]]) from error

    async def _strike_before(self, method: str) -> None:
        while self._faults.for_whole_host("hang", self._name):
            await self._faults.changed()
        slow = self._faults.for_whole_host("slow_answers", self._name)
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        delay = self._faults.for_call("delay", method, self._name)
        if delay is not None:
            await asyncio.sleep(delay.seconds)
        if self._strikes("drop_call", method):
            raise DroppedError
        error = self._faults.for_call("error", method, self._name)
        if error is not None:
            raise XapiError(*error.error)

    def _strikes(self, fault: str, method: str) -> bool:
        return self._faults.for_call(fault, method, self._name) is not None

    def _who(self, method: str, params: list[Value]) -> tuple[str, str]:
        """Originator and session of the caller, as far as the call says."""
        if method == _LOGIN:
            return (str(params[3]) if len(params) > 3 else "", "")
        session = params[0] if params and isinstance(params[0], str) else ""
        return (self._seat.engine.sessions.originator(session), session)
