"""The moves that this agent follows now: one task a VM, any number of listeners.

A move is not carried out inside the call that asked for it, which may end at any time. All this is
a convenience: what must survive the agent is in XAPI.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import structlog

from hostagent.model.checks import Kind
from hostagent.model.errors import TooManyMoves
from hostagent.model.move import MoveOrder, Outcome, Report, Sizes
from hostagent.xapi.errors import XapiError, XapiUnavailable

log = structlog.get_logger()

REMEMBERED = 1_000
_WORDS: Mapping[Kind, str] = {Kind.BLOCK: "block migrations"}

ValueT = TypeVar("ValueT")


class Move:
    """One move and how far it is; `abort` is set by whoever wants it stopped."""

    def __init__(self, order: MoveOrder) -> None:
        self.order = order
        self.task_ref = ""
        self.report = Report()
        self.sizes = Sizes()
        self.abort = asyncio.Event()
        self.ended = asyncio.Event()
        self._version = 0
        self._changed = asyncio.Event()
        self._error: BaseException | None = None

    def publish(self, report: Report) -> None:
        """Tell all listeners; those that are slow see the newest only."""
        self.report = report
        self._version += 1
        self._wake()

    def end(self, error: BaseException | None) -> None:
        """Let all listeners go, with the last report or with what went wrong."""
        self._error = error
        self.ended.set()
        self._wake()

    async def follow(self) -> AsyncIterator[Report]:
        """Yield how far it is, whenever that changes; the last one has an outcome.

        Raises what the move raised.
        """
        seen = 0
        while self.report.outcome is None or seen < self._version:
            if seen < self._version:
                seen = self._version
                yield self.report
            elif self._error is not None:
                raise self._error
            else:
                await self._changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Moves:
    """All moves of this agent."""

    def __init__(self, most: int, most_storage: int) -> None:
        self._most = {Kind.SHARED_STORAGE: most, Kind.BLOCK: most_storage}
        self._running: dict[str, Move] = {}
        self._places: dict[str, Kind] = {}
        self._tasks: OrderedDict[str, str] = OrderedDict()
        self._stayed: OrderedDict[str, Report] = OrderedDict()
        self._errands: set[asyncio.Task[None]] = set()

    def of(self, instance_id: str) -> Move | None:
        """Return the move of a VM that is followed now."""
        return self._running.get(instance_id)

    def begin(self, order: MoveOrder, carry_out: Callable[[Move], Awaitable[None]]) -> Move:
        """Follow a move from now on; at most one a VM."""
        move = self._running[order.instance_id] = Move(order)
        task = self._keep(_awaited(carry_out(move)))
        task.add_done_callback(lambda done: self._end(move, done))
        return move

    def admit(self, order: MoveOrder, others: Iterable[str]) -> None:
        """Take a place for a move that is started here; raises TooManyMoves.

        `others` are the VMs that leave this host in the same way and that nobody here follows.
        """
        kind = order.kind
        taken = {instance for instance, held in self._places.items() if held is kind}
        running, most = len(taken.union(others)), self._most[kind]
        if running >= most:
            raise TooManyMoves(running, most, _WORDS.get(kind, "moves"))
        self._places[order.instance_id] = kind

    def hold(self, instance_id: str, kind: Kind) -> None:
        """Take a place for a move that runs already, also where none is left."""
        self._places[instance_id] = kind

    def follows(self, task_ref: str) -> bool:
        """Tell whether a task of XAPI is that of a move which was followed here."""
        return task_ref in self._tasks.values()

    def remember_task(self, move: Move, task_ref: str) -> None:
        """Remember XAPI's task of a migration, for whoever observes it."""
        move.task_ref = task_ref
        _remember(self._tasks, move.order.fence.migration_id, task_ref)

    def task_of(self, migration_id: str) -> str:
        """Return the reference of the migration's last task known here, or an empty text."""
        return self._tasks.get(migration_id, "")

    def stayed(self, migration_id: str) -> Report | None:
        """Return the last report of a move that this agent saw end with the guest at home."""
        return self._stayed.get(migration_id)

    def errand(self, call: Coroutine[Any, Any, None]) -> None:
        """Have something done that nobody waits for and that may fail."""
        self._keep(_tolerated(call))

    async def close(self) -> None:
        """Follow no move any more; XAPI carries on with each."""
        tasks = tuple(self._errands)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(call)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task

    def _end(self, move: Move, task: asyncio.Task[None]) -> None:
        self._running.pop(move.order.instance_id, None)
        self._places.pop(move.order.instance_id, None)
        if move.report.outcome is Outcome.STAYED:
            _remember(self._stayed, move.order.fence.migration_id, move.report)
        if task.cancelled():
            move.end(XapiUnavailable("move", "the agent is stopping; the move goes on"))
        else:
            move.end(task.exception())


def _remember(known: OrderedDict[str, ValueT], migration_id: str, value: ValueT) -> None:
    known[migration_id] = value
    if len(known) > REMEMBERED:
        known.popitem(last=False)


async def _awaited(call: Awaitable[None]) -> None:
    await call


async def _tolerated(call: Coroutine[Any, Any, None]) -> None:
    try:
        await call
    except XapiError as error:
        log.debug("errand.not_done", why=str(error))
