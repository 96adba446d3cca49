"""`ferryctl cancel` and `ferryctl resolve`: an operator's word on a migration that is open."""

import enum
from typing import Annotated

import typer

from ferryctl import documents, endings, screen
from ferryctl.commands import arguments
from ferryctl.session import Session
from ferryctl.views import migrations
from xenferry.controller.v1 import migration_pb2, scheduler_pb2


class How(enum.StrEnum):
    """What an operator can decide about a STUCK migration."""

    ROLL_FORWARD = "roll-forward"
    ROLL_BACK = "roll-back"
    ADOPT_REALITY = "adopt-reality"


_RESOLUTIONS = {
    How.ROLL_FORWARD: migration_pb2.RESOLUTION_ROLL_FORWARD,
    How.ROLL_BACK: migration_pb2.RESOLUTION_ROLL_BACK,
    How.ADOPT_REALITY: migration_pb2.RESOLUTION_ADOPT_REALITY,
}

CancelReason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
ResolveAs = Annotated[
    How,
    typer.Option(
        "--as",
        help="roll-forward: it runs at the destination; roll-back: at the source; adopt-reality: "
        "close it with what XAPI shows.",
    ),
]
ResolveReason = Annotated[str, typer.Option("--reason", help="Why; kept with the migration.")]


def cancel(
    context: typer.Context, migration: arguments.Migration, *, reason: CancelReason = ""
) -> None:
    """Stop a migration; says so when it is too late, and then exits with 4."""
    session: Session = context.obj
    request = scheduler_pb2.CancelMigrationRequest(migration_id=migration, reason=reason)
    with session.connect() as controller:
        answer = controller.scheduler.CancelMigration(request, timeout=session.timeout_s)
    _show(session, answer)


def resolve(
    context: typer.Context, migration: arguments.Migration, *, how: ResolveAs, reason: ResolveReason
) -> None:
    """Settle a STUCK migration by your decision; refused where XAPI shows the contrary."""
    session: Session = context.obj
    request = scheduler_pb2.ResolveMigrationRequest(
        migration_id=migration, resolution=_RESOLUTIONS[how], reason=reason
    )
    with session.connect() as controller:
        answer = controller.scheduler.ResolveMigration(request, timeout=session.timeout_s)
    _show(session, answer)


def _show(session: Session, migration: migration_pb2.Migration) -> None:
    if session.json:
        documents.write(migration)
    elif endings.at_rest(migration):
        screen.say(endings.sentence(migration))
    else:
        screen.say(migrations.line(migration))
        screen.say(f"watch it: ferryctl watch {migration.migration_id}")
