"""event.register and event.next: the old way to hear of changes, one queue a session.

Event numbers of a session count from 1, and every look gathers what changed since the last.
"""

from dataclasses import dataclass, field

from xapisim.classes.events import Events, Subscription, Token
from xapisim.errors import XapiError
from xapisim.values import Value

FOR_EVER_S = 1e9


@dataclass(slots=True)
class _Queue:
    classes: set[str] = field(default_factory=set)
    token: Token = field(default_factory=Token)
    told: int = 1


class EventQueues:
    def __init__(self, events: Events) -> None:
        self._events = events
        self._by_session: dict[str, _Queue] = {}

    def register(self, session: str, classes: list[str]) -> None:
        queue = self._by_session.setdefault(session, _Queue(token=self._events.now()))
        queue.classes |= {name.lower() for name in classes}

    def unregister(self, session: str, classes: list[str]) -> None:
        """Without classes the session stays registered, and its event.next waits for ever."""
        queue = self._by_session.get(session)
        if queue is not None:
            queue.classes -= {name.lower() for name in classes}

    def current(self, session: str) -> int:
        queue = self._by_session.get(session)
        return 0 if queue is None else queue.told

    async def next(self, session: str, stamp: str) -> list[Value]:
        """Waits for a change; SESSION_NOT_REGISTERED unless the session registered before."""
        queue = self._queue(session)
        subscription = Subscription.parse(queue.classes)
        reply = await self._events.wait(session, subscription, queue.token, FOR_EVER_S)
        queue.token = Token.parse(reply["token"])
        return [self._numbered(queue, event, stamp) for event in reply["events"]]

    @staticmethod
    def _numbered(queue: _Queue, event: Value, stamp: str) -> Value:
        queue.told += 1
        return {**event, "id": str(queue.told), "timestamp": stamp}

    def _queue(self, session: str) -> _Queue:
        queue = self._by_session.get(session)
        if queue is None:
            tracked = session.removeprefix("OpaqueRef:").replace("-", "")
            raise XapiError("SESSION_NOT_REGISTERED", f"trackid={tracked}")
        return queue
