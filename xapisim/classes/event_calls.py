"""event.*: event.from, event.inject, and the legacy calls around event.next."""

from xapisim.classes.call import Call, Handler
from xapisim.classes.events import Subscription, Token
from xapisim.errors import handle_invalid
from xapisim.values import VOID, Value


async def from_(call: Call, classes: list[str], token: str, timeout_s: float) -> Value:
    subscription = Subscription.parse(classes)
    since = Token.parse(token)
    return await call.engine.events.wait(call.session, subscription, since, timeout_s)


def inject(call: Call, class_name: str, ref: str) -> Value:
    """Wants the class in the letter case of the API, unlike event.from; the token precedes the
    event.
    """
    table = call.database.tables.get(class_name)
    if table is None or ref not in table.rows:
        raise handle_invalid(class_name, ref)
    token = call.engine.events.token()
    call.database.touch(class_name, ref)
    return token


def register(call: Call, classes: list[str]) -> Value:
    call.engine.queues.register(call.session, classes)
    return VOID


def unregister(call: Call, classes: list[str]) -> Value:
    call.engine.queues.unregister(call.session, classes)
    return VOID


def get_current_id(call: Call) -> Value:
    return call.engine.queues.current(call.session)


async def next_(call: Call) -> Value:
    """Seconds since 1970 with a dot at the end stand for the time."""
    stamp = f"{int(call.pool.clock.now())}."
    return await call.engine.queues.next(call.session, stamp)


METHODS: dict[str, Handler] = {
    "event.from": from_,
    "event.inject": inject,
    "event.register": register,
    "event.unregister": unregister,
    "event.next": next_,
    "event.get_current_id": get_current_id,
}
