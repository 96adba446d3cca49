"""event.*: event.from and event.inject; the legacy calls answer as far as a client needs to move
on.
"""

from xapisim.classes.call import Call, Handler
from xapisim.classes.events import Subscription, Token
from xapisim.errors import XapiError, handle_invalid
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


def register(_call: Call, _classes: list[str]) -> Value:
    return VOID


def get_current_id(call: Call) -> Value:
    return call.database.generation


def next_(call: Call) -> Value:
    tracked = call.session.removeprefix("OpaqueRef:").replace("-", "")
    raise XapiError("SESSION_NOT_REGISTERED", f"trackid={tracked}")


METHODS: dict[str, Handler] = {
    "event.from": from_,
    "event.inject": inject,
    "event.register": register,
    "event.unregister": register,
    "event.next": next_,
    "event.get_current_id": get_current_id,
}
