"""`ferryctl list`, `show` and `watch`: migrations that are under way or have ended."""

from itertools import islice
from typing import Annotated

import typer

from ferryctl import documents, exits, following, naming, paging, screen, watching
from ferryctl.commands import arguments
from ferryctl.session import Session
from ferryctl.views import migrations, progress
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

_STATES = {
    name.removeprefix("MIGRATION_STATE_").lower(): number
    for name, number in migration_pb2.MigrationState.items()
    if number
}


def _state(text: str) -> str:
    if text not in _STATES:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(_STATES)}")
    return text


States = Annotated[
    list[str] | None,
    typer.Option("--state", parser=_state, metavar="STATE", help="Only in this state; repeatable."),
]
HostName = Annotated[str, typer.Option("--host", help="Only from or to this host (uuid or name).")]
InstanceName = Annotated[str, typer.Option("--instance", help="Only of this instance.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")]
All = Annotated[bool, typer.Option("--all", help="All of them, whatever --limit says.")]
WhichMigration = Annotated[
    str, typer.Argument(help="uuid of a migration; else all.", show_default=False)
]


def list_(
    context: typer.Context,
    *,
    state: States = None,
    host: HostName = "",
    instance: InstanceName = "",
    limit: Limit = 50,
    every: All = False,
) -> None:
    """List migrations, newest first."""
    session: Session = context.obj
    with session.connect() as controller:
        wanted = scheduler_pb2.MigrationFilter(
            states=[_STATES[name] for name in state or ()],
            host_id=naming.host_id(controller, host) if host else "",
            instance_id=naming.instance_id(controller, instance) if instance else "",
        )
        request = scheduler_pb2.ListMigrationsRequest(
            filter=wanted,
            page_size=paging.LARGEST_PAGE if every else min(limit, paging.LARGEST_PAGE),
        )
        pages = paging.pages(controller.scheduler.ListMigrations, request, controller.timeout_s)
        listed = (migration for page in pages for migration in page.migrations)
        found = list(listed if every else islice(listed, limit))
    if session.json:
        documents.write_all(found)
    else:
        screen.out().print(migrations.rows(found))


def show(context: typer.Context, migration: arguments.Migration) -> None:
    """Show one migration: request, findings, journal, clean-up, error."""
    session: Session = context.obj
    found = _get(session, migration)
    if session.json:
        documents.write(found)
    else:
        screen.out().print(migrations.whole(found))


def watch(
    context: typer.Context,
    migration: WhichMigration = "",
    reconnect_for: arguments.ReconnectFor = 60.0,
) -> None:
    """Watch one migration until it has ended, or all of them until Ctrl-C."""
    session: Session = context.obj
    if migration:
        found = _get(session, migration)
        raise typer.Exit(watching.until_rest(session, found, reconnect_for))
    view = progress.JsonLines() if session.json else progress.Lines()
    follower = following.Follower(session, scheduler_pb2.MigrationFilter(), reconnect_for)
    try:
        for event in follower.events(0):
            view.show(event)
    except KeyboardInterrupt as stop:
        raise typer.Exit(exits.INTERRUPTED) from stop


def _get(session: Session, migration_id: str) -> migration_pb2.Migration:
    request = scheduler_pb2.GetMigrationRequest(migration_id=migration_id)
    with session.connect() as controller:
        return controller.scheduler.GetMigration(request, timeout=session.timeout_s)
