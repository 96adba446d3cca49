"""Watches one migration until it rests, shows it on the way and says how it ended."""

from ferryctl import endings, exits, following, screen
from ferryctl.session import Session
from ferryctl.views import progress
from xenferry.controller.v1 import migration_pb2, scheduler_pb2


def until_rest(session: Session, migration: migration_pb2.Migration, patience_s: float) -> int:
    """Return the exit code of how the migration ended; raises the RpcError of a long outage."""
    try:
        last = _last_change(session, migration, patience_s)
    except KeyboardInterrupt:
        _tell_it_goes_on(migration)
        return exits.INTERRUPTED
    if not session.json:
        style = "bold green" if exits.of_state(last.state) == exits.OK else "bold red"
        screen.say(endings.sentence(last), style)
    return exits.of_state(last.state)


def _last_change(
    session: Session, migration: migration_pb2.Migration, patience_s: float
) -> migration_pb2.Migration:
    only_this = scheduler_pb2.MigrationFilter(migration_id=migration.migration_id)
    follower = following.Follower(session, only_this, patience_s)
    with _view(session, migration) as view:
        view.show(following.Changed(migration))
        if endings.at_rest(migration):
            return migration
        for event in follower.events(migration.revision):
            view.show(event)
            if isinstance(event, following.Changed) and endings.at_rest(event.migration):
                return event.migration
    raise AssertionError("a watch ends with an ending or an error")


def _view(session: Session, first: migration_pb2.Migration) -> progress.View:
    if session.json:
        return progress.JsonLines()
    if screen.is_terminal():
        return progress.Bar(first)
    return progress.Lines()


def _tell_it_goes_on(migration: migration_pb2.Migration) -> None:
    screen.remark(
        f"the migration of {endings.name(migration)} goes on; "
        f"watch it again: ferryctl watch {migration.migration_id}"
    )
