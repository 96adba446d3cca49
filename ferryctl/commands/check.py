"""`ferryctl check`: whether a move would be accepted, with everything that was measured."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ferryctl import documents, exits, naming, screen
from ferryctl.commands import arguments
from ferryctl.session import Session
from ferryctl.views import findings, matrix
from xenferry.controller.v1 import scheduler_pb2

To = Annotated[
    list[str] | None,
    typer.Option("--to", help="Only this destination (uuid or name); repeatable; else all."),
]
Instances = Annotated[
    list[str], typer.Argument(help="uuids, or names that only one instance bears each.")
]


def check(
    context: typer.Context,
    instance: Instances,
    *,
    to: To = None,
    block: arguments.Block = None,
    disk_over_commit: arguments.DiskOverCommit = False,
) -> None:
    """Tell where instances could move, and why not elsewhere; changes nothing.

    One instance: every finding. Several: a grid of instances and destinations. Exit code 0 if each
    instance has one destination or more, else 4.
    """
    session: Session = context.obj
    with session.connect() as controller:
        ids = {naming.instance_id(controller, name): name for name in instance}
        request = scheduler_pb2.CheckLiveMigrationRequest(
            instance_ids=list(ids),
            dests=to or [],
            block_migration=block,
            disk_over_commit=disk_over_commit,
        )
        answer = controller.scheduler.CheckLiveMigration(request, timeout=session.timeout_s)
        names = {} if session.json else naming.host_names(controller)
    if session.json:
        documents.write(answer)
    elif len(ids) > 1:
        screen.out().print(matrix.grid(answer.cells, ids, names))
    else:
        for cell in answer.cells:
            dest = names.get(cell.dest_host_id, cell.dest_host_id)
            screen.out().print(findings.cell(cell, instance[0], dest), matrix.estimate(cell))
    raise typer.Exit(_exit_code(answer.cells))


def _exit_code(cells: Sequence[scheduler_pb2.CheckCell]) -> int:
    asked = {cell.instance_id for cell in cells}
    movable = {cell.instance_id for cell in cells if cell.possible}
    return exits.OK if asked and asked == movable else exits.REFUSED
