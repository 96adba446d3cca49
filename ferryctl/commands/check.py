"""`ferryctl check`: whether a move would be accepted, with everything that was measured."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ferryctl import documents, exits, naming, screen
from ferryctl.commands import arguments
from ferryctl.session import Session
from ferryctl.views import findings
from xenferry.controller.v1 import scheduler_pb2

To = Annotated[str, typer.Option("--to", help="Only this destination (uuid or name); else all.")]


def check(
    context: typer.Context,
    instance: arguments.Instance,
    *,
    to: To = "",
    block: arguments.Block = None,
    disk_over_commit: arguments.DiskOverCommit = False,
) -> None:
    """Tell where an instance could move, and why not elsewhere; changes nothing.

    Exit code 0 if one destination or more is possible, else 4.
    """
    session: Session = context.obj
    with session.connect() as controller:
        request = scheduler_pb2.CheckLiveMigrationRequest(
            instance_ids=[naming.instance_id(controller, instance)],
            dests=[to] if to else [],
            block_migration=block,
            disk_over_commit=disk_over_commit,
        )
        answer = controller.scheduler.CheckLiveMigration(request, timeout=session.timeout_s)
        names = {} if session.json else naming.host_names(controller)
    if session.json:
        documents.write(answer)
    else:
        for cell in answer.cells:
            dest = names.get(cell.dest_host_id, cell.dest_host_id)
            screen.out().print(findings.cell(cell, instance, dest), "")
    raise typer.Exit(_exit_code(answer.cells))


def _exit_code(cells: Sequence[scheduler_pb2.CheckCell]) -> int:
    return exits.OK if any(cell.possible for cell in cells) else exits.REFUSED
