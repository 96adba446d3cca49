"""Follows migrations through outages: a watch that resumes from the last revision it saw."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc

from chassis import answers
from ferryctl import interrupts
from ferryctl.session import Controller, Session
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

# A stream without a deadline could hang for ever on a half-dead network; this one is reopened.
STREAM_S = 600.0
PROBE_S = 5.0
RETRY_EVERY_S = 0.25

# What a call ends with when its server goes away or restarts.
_TRANSIENT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Changed:
    """A migration after a change."""

    migration: migration_pb2.Migration


@dataclass(frozen=True, slots=True)
class Away:
    """The controller does not answer; the watch gives up in so many seconds."""

    left_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Back:
    """The controller answers again, and nothing was missed."""


Event = Changed | Away | Back


@dataclass(frozen=True, slots=True)
class Follower:
    """A watch on the migrations that match a filter."""

    session: Session
    filter: scheduler_pb2.MigrationFilter
    patience_s: float
    """How long an outage may last."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def events(self, revision: int) -> Iterator[Event]:
        """Yield what happens after a revision; raises the RpcError that outlasted the patience."""
        away_since: float | None = None
        while True:
            try:
                with self.session.connect() as controller:
                    if away_since is not None:
                        self._probe(controller)
                        away_since = None
                        yield Back()
                    for answer in self._stream(controller, revision):
                        revision = max(revision, answer.revision)
                        if answer.HasField("migration"):
                            yield Changed(answer.migration)
                why = "the controller closed the watch"
            except grpc.RpcError as error:
                why = self._worth_trying(error, away_since)
            now = self.clock()
            away_since = now if away_since is None else away_since
            yield Away(max(0.0, self.patience_s - (now - away_since)), why)
            self.sleep(RETRY_EVERY_S)

    def _probe(self, controller: Controller) -> None:
        """Raise while the controller is away: a watch may be silent, an answer is not."""
        request = scheduler_pb2.ListMigrationsRequest(filter=self.filter, page_size=1)
        controller.scheduler.ListMigrations(request, timeout=PROBE_S)

    def _stream(
        self, controller: Controller, revision: int
    ) -> Iterator[scheduler_pb2.WatchMigrationsResponse]:
        request = scheduler_pb2.WatchMigrationsRequest(filter=self.filter, start_revision=revision)
        call = controller.scheduler.WatchMigrations(request, timeout=STREAM_S)
        with interrupts.ending(call):
            yield from call

    def _worth_trying(self, error: grpc.RpcError, away_since: float | None) -> str:
        answer = answers.read(error)
        if answer.code not in _TRANSIENT:
            raise error
        if away_since is not None and self.clock() - away_since >= self.patience_s:
            raise error
        return answer.message
