"""`ferryctl migrate`: start a live migration and, if wanted, stay until it has ended."""

import uuid
from typing import Annotated

import grpc
import typer
from rich.text import Text

from chassis import answers
from ferryctl import calling, documents, naming, screen, watching, words
from ferryctl.commands import arguments
from ferryctl.session import Session
from ferryctl.views import findings, migrations
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

To = Annotated[str, typer.Option("--to", help="Destination host, uuid or name.")]
Watch = Annotated[
    bool | None,
    typer.Option(
        "--watch/--no-watch",
        help="Stay until it has ended; default: in a terminal.",
        show_default=False,
    ),
]
RequestId = Annotated[
    str,
    typer.Option(
        "--request-id",
        metavar="UUID",
        help="Makes the command safe to repeat; default: a fresh one.",
    ),
]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Make all checks and start nothing.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Priority = Annotated[
    int,
    typer.Option("--priority", min=-100, max=100, help="Higher goes first where moves wait."),
]


def migrate(
    context: typer.Context,
    instance: arguments.Instance,
    *,
    to: To,
    watch: Watch = None,
    block: arguments.Block = None,
    disk_over_commit: arguments.DiskOverCommit = False,
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    reason: Reason = "",
    priority: Priority = 0,
    reconnect_for: arguments.ReconnectFor = 60.0,
) -> None:
    """Move a running instance to another host."""
    request = scheduler_pb2.LiveMigrationRequest(
        dest=to,
        block_migration=block,
        disk_over_commit=disk_over_commit,
        request_id=request_id or str(uuid.uuid4()),
        validate_only=validate_only,
        reason=reason,
        priority=priority,
    )
    migration = _start(context.obj, instance, request)
    if validate_only:
        _show_plan(context.obj, migration)
    elif _is_watched(context.obj, watch):
        raise typer.Exit(watching.until_rest(context.obj, migration, reconnect_for))
    else:
        _show_start(context.obj, migration)


def _is_watched(session: Session, asked: bool | None) -> bool:
    return screen.is_terminal() and not session.json if asked is None else asked


def _start(
    session: Session, instance: str, request: scheduler_pb2.LiveMigrationRequest
) -> migration_pb2.Migration:
    with session.connect() as controller:
        request.instance_id = naming.instance_id(controller, instance)
        try:
            return calling.repeated(
                lambda: controller.scheduler.LiveMigration(request, timeout=session.timeout_s)
            )
        except grpc.RpcError as error:
            _tell_how_to_repeat(error, request)
            raise


def _tell_how_to_repeat(error: grpc.RpcError, request: scheduler_pb2.LiveMigrationRequest) -> None:
    answer = answers.read(error)
    lost = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    if answer.code in lost and not request.validate_only:
        screen.remark(
            "whether the migration was accepted is not known; to find out, repeat it with the "
            f"same options and --request-id {request.request_id}"
        )


def _show_plan(session: Session, plan: migration_pb2.Migration) -> None:
    if session.json:
        documents.write(plan)
        return
    route = f"from {plan.source_host_name} to {plan.dest_host_name}"
    headline = f"{plan.instance_name} would move {route} ({words.kind(plan.kind)})"
    screen.out().print(Text(headline, "bold green"))
    screen.out().print(findings.listed(plan.findings))


def _show_start(session: Session, migration: migration_pb2.Migration) -> None:
    if session.json:
        documents.write(migration)
        return
    screen.say(migrations.line(migration))
    screen.say(f"watch it: ferryctl watch {migration.migration_id}")
