"""One pool's front door: finds the method, checks arity, types and session, and runs it, in a task
if need be.
"""

import logging

from xapisim.classes.call import Call
from xapisim.classes.engine import Engine
from xapisim.classes.members import EMERGENCY_CALLS
from xapisim.dispatch import releases
from xapisim.dispatch.methods import Method, internal_names, names, table
from xapisim.errors import CancelledByUserError, XapiError, internal
from xapisim.values import Value
from xapisim.wire import xml_out

LIST_METHODS = "system.listMethods"
_ASYNC = "Async."
_LOCAL_LOGOUT = "session.local_logout"
_log = logging.getLogger(__name__)


class Dispatcher:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._methods = table()

    async def call(self, host: str, name: str, params: list[Value]) -> Value:
        """The value of a call that came in at this host; raises XapiError."""
        if name == LIST_METHODS:
            software = self.engine.pool.software
            return [known for known in names() if releases.has(software, known)]
        asynchronous = name.startswith(_ASYNC)
        method = self._methods.get(name[len(_ASYNC) :] if asynchronous else name)
        if method is None or not releases.has(self.engine.pool.software, method.name):
            raise self._unknown(host, name, params)
        if asynchronous and not method.has_async:
            raise internal(f"No async mode for this operation (rpc: {method.name})")
        self.engine.members.check(host, method.name)
        args = _arguments(method, params)
        call = Call(self.engine, host, params[0] if method.needs_session else "")
        if method.name == _LOCAL_LOGOUT:
            self.engine.sessions.check_local(call.session, host)
        elif method.needs_session:
            if method.name not in EMERGENCY_CALLS:
                await self.engine.members.connected(host)
            self.engine.sessions.check(call.session, host)
            self.engine.sessions.authorize(call.session, method.name)
        if asynchronous:
            return self._start(call, name, method, args)
        if method.is_operation:
            return await self._run_with_task(call, name, method, args)
        return await _run(call, method, args)

    def _unknown(self, host: str, name: str, params: list[Value]) -> XapiError:
        """Unknown names are looked for among extensions, which takes a session if one is given."""
        if params and isinstance(params[0], str):
            self.engine.sessions.check(params[0], host)
        if name.removeprefix(_ASYNC) in internal_names():
            return XapiError("NOT_IMPLEMENTED", name)
        return XapiError("MESSAGE_METHOD_UNKNOWN", name)

    def _start(self, call: Call, name: str, method: Method, args: list[Value]) -> str:
        """The task bears the name as it was called, alias or not."""
        call.task = self.engine.tasks.create(name, call.host)
        self.engine.sessions.started(call.session, call.task)
        self.engine.pool.spawn(self._run_in_background(call, method, args))
        return call.task

    async def _run_in_background(self, call: Call, method: Method, args: list[Value]) -> None:
        tasks = self.engine.tasks
        try:
            result = await _run(call, method, args)
        except CancelledByUserError:
            tasks.end_cancelled(call.task)
        except XapiError as error:
            tasks.fail(call.task, error)
        else:
            tasks.succeed(call.task, xml_out.encode(result))

    async def _run_with_task(
        self, call: Call, name: str, method: Method, args: list[Value]
    ) -> Value:
        """A synchronous operation shows as a task too, which is gone when it returns."""
        call.task = self.engine.tasks.create(name, call.host)
        try:
            return await _run(call, method, args)
        finally:
            self.engine.tasks.destroy(call.task)


def _arguments(method: Method, params: list[Value]) -> list[Value]:
    """Checked and complete; more than the declared are ignored only where some are optional."""
    offset = 1 if method.needs_session else 0
    given = len(params) - offset
    too_many = given > len(method.readers) and not method.defaults
    if given < method.required or too_many:
        code = "MESSAGE_PARAMETER_COUNT_MISMATCH"
        raise XapiError(code, method.name, str(method.required), str(given))
    args = [read(value) for read, value in zip(method.readers, params[offset:], strict=False)]
    missing = len(method.readers) - len(args)
    return args + list(method.defaults[len(method.defaults) - missing :]) if missing else args


async def _run(call: Call, method: Method, args: list[Value]) -> Value:
    if method.removed and not releases.had_removed(call.pool.software, method.name):
        raise XapiError("MESSAGE_REMOVED")
    if method.handler is None:
        raise XapiError("NOT_IMPLEMENTED", method.name)
    try:
        result = method.handler(call, *args)
        return await result if method.waits else result
    except XapiError:
        raise
    except Exception as error:
        # XAPI turns whatever it did not foresee into INTERNAL_ERROR; this is the only place that
        # does.
        _log.exception("call.broken method=%s", method.name)
        raise internal(repr(error)) from error
