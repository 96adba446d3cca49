"""The last calls the simulator answered, who made them and how they ended; passwords left out."""

import time
from collections import deque
from typing import NamedTuple

from xapisim.values import Value

REMEMBERED_CALLS = 20_000
_SECRET_PARAMS = {
    "session.login_with_password": (1,),
    "session.slave_local_login_with_password": (1,),
    "session.change_password": (1, 2),
    "pool.join": (3,),
    "pool.join_force": (3,),
}


class Entry(NamedTuple):
    number: int
    time: float
    host: str
    method: str
    originator: str
    session: str
    params: list[Value]
    outcome: list[str]

    def as_json(self) -> dict[str, Value]:
        return {**self._asdict(), "outcome": self.outcome or ["Success"]}


class Trace:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED_CALLS)
        self._numbers = 0

    def add(
        self, host: str, method: str, who: tuple[str, str], params: list[Value], outcome: list[str]
    ) -> None:
        """`who` is originator and session; an empty outcome is a success, else the error array."""
        self._numbers += 1
        secret = _SECRET_PARAMS.get(method.removeprefix("Async."))
        if secret:
            params = ["***" if place in secret else value for place, value in enumerate(params)]
        self._entries.append(Entry(self._numbers, time.time(), host, method, *who, params, outcome))

    def since(self, number: int) -> list[Entry]:
        return [entry for entry in self._entries if entry.number > number]
