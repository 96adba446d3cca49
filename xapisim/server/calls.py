"""The calls of one host, between the wire and the dispatcher: armed faults strike here, and the
trace is kept here.
"""

import asyncio

from xapisim.dispatch.dispatcher import Dispatcher
from xapisim.errors import XapiError
from xapisim.trace import Trace
from xapisim.values import Value

_LOGIN = "session.login_with_password"


class DroppedError(Exception):
    """The connection is to be cut without a reply."""


class Calls:
    def __init__(self, dispatcher: Dispatcher, host: str, trace: Trace) -> None:
        self._dispatcher = dispatcher
        self._host = host
        self._trace = trace
        self._name = dispatcher.engine.pool.host_name(host)
        self._faults = dispatcher.engine.pool.faults

    async def call(self, method: str, params: list[Value]) -> Value:
        """The value of the call; raises XapiError, and DroppedError where a fault cuts the line."""
        who = self._who(method, params)
        outcome: list[str] = []
        try:
            if self._faults:
                await self._strike_before(method)
            value = await self._dispatcher.call(self._host, method, params)
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

    async def _strike_before(self, method: str) -> None:
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
        return (self._dispatcher.engine.sessions.originator(session), session)
