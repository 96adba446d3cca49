"""A migration under way: a bar in a terminal, lines in a file, JSON for programs."""

from types import TracebackType
from typing import Protocol, Self

from rich import progress

from ferryctl import documents, endings, following, screen, words
from ferryctl.views import migrations
from xenferry.controller.v1 import migration_pb2


class View(Protocol):
    """Something that shows what a watch brings."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the screen tidy."""

    def show(self, event: following.Event) -> None:
        """Show one event."""


class Bar:
    """One line that is written over and over: route, phase, bar, percent, elapsed time."""

    def __init__(self, first: migration_pb2.Migration) -> None:
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            console=screen.out(),
        )
        self._task = self._bar.add_task(_described(first), total=100.0)
        self._last = first

    def __enter__(self) -> Self:
        self._bar.start()
        self._advance(self._last)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, event: following.Event) -> None:
        """Move the bar, or say in it that the controller is away."""
        if isinstance(event, following.Changed):
            self._advance(event.migration)
        elif isinstance(event, following.Away):
            route = _route(self._last)
            told = f"{route}  controller away, trying for {event.left_s:.0f} s more"
            self._bar.update(self._task, description=told)
        else:
            self._advance(self._last)

    def _advance(self, migration: migration_pb2.Migration) -> None:
        migration = _kept(self._last, migration)
        self._last = migration
        done = 100.0 if _succeeded(migration) else migration.progress.percent
        self._bar.update(self._task, completed=done, description=_described(migration))


class _Complete:
    """What has nothing to begin or end: every line is complete."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left to do."""


class Lines(_Complete):
    """A line when the state or phase changes, and at every tenth of the way."""

    def __init__(self) -> None:
        self._told = ""
        self._away = False
        self._last: migration_pb2.Migration | None = None

    def show(self, event: following.Event) -> None:
        """Write a line if there is something new to say."""
        if isinstance(event, following.Changed):
            self._tell_change(event.migration)
        elif isinstance(event, following.Away):
            if not self._away:
                screen.say(f"controller away, trying for {event.left_s:.0f} s more")
            self._away = True
        else:
            self._away = False
            screen.say("controller back")

    def _tell_change(self, migration: migration_pb2.Migration) -> None:
        migration = self._last = _kept(self._last, migration)
        tenth = int(migration.progress.percent // 10)
        key = f"{migration.migration_id} {migration.state} {migration.progress.phase} {tenth}"
        if key != self._told and not endings.at_rest(migration):
            self._told = key
            screen.say(migrations.line(migration))


class JsonLines(_Complete):
    """A JSON document a line for every change; outages are not the reader's business."""

    def show(self, event: following.Event) -> None:
        """Write a change."""
        if isinstance(event, following.Changed):
            documents.write_line(event.migration)


def _kept(
    last: migration_pb2.Migration | None, new: migration_pb2.Migration
) -> migration_pb2.Migration:
    """Return the news, with the percentage told before where the agent is still to tell one.

    A controller that was started anew has forgotten it.
    """
    if last is None or not last.progress.percent or not endings.unheard(new):
        return new
    kept = migration_pb2.Migration()
    kept.CopyFrom(new)
    kept.progress.percent = last.progress.percent
    kept.progress.phase = new.progress.phase or "asked again"
    return kept


def _route(migration: migration_pb2.Migration) -> str:
    source, dest = migration.source_host_name, migration.dest_host_name
    return f"{endings.name(migration)}  {source} → {dest}"


def _described(migration: migration_pb2.Migration) -> str:
    phase = migration.progress.phase or words.state(migration.state)
    if endings.at_rest(migration):
        phase = words.state(migration.state)
    left = migrations.remaining(migration)
    place = f", place {migration.queue_position}" if migration.queue_position else ""
    return f"{_route(migration)}  {phase}{place}" + (f"  {left}" if left else "")


def _succeeded(migration: migration_pb2.Migration) -> bool:
    return migration.state == migration_pb2.MIGRATION_STATE_SUCCEEDED
