"""`ferryctl aggregate`: hosts that form one pool."""

import enum
import uuid
from collections.abc import Callable
from typing import Annotated

import typer

from ferryctl import calling, documents, exits, paging, screen
from ferryctl.session import Controller, Session
from ferryctl.views import aggregates as views
from ferryctl.views import findings
from xenferry.controller.v1 import aggregates_pb2, aggregates_pb2_grpc

Ask = Callable[[aggregates_pb2_grpc.AggregatesStub, float], aggregates_pb2.AggregateOperation]
"""Makes a call of the service within so many seconds."""

app = typer.Typer(help="Hosts that form one pool.", no_args_is_help=True)

Aggregate = Annotated[str, typer.Argument(help="uuid or name of an aggregate.")]
Host = Annotated[str, typer.Argument(help="uuid, or a name that only one host bears.")]
Operation = Annotated[str, typer.Argument(help="uuid of an operation.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until it has ended.")]
Validate = Annotated[
    bool, typer.Option("--validate-only", help="Make all checks and start nothing.")
]
RequestId = Annotated[
    str, typer.Option("--request-id", metavar="UUID", help="Makes the command safe to repeat.")
]
Force = Annotated[bool, typer.Option("--force", help="Join although software or CPUs differ.")]
ConfirmWipe = Annotated[
    bool, typer.Option("--confirm-wipe", help="Needed: ejecting wipes the host.")
]


class Settlement(enum.StrEnum):
    """How drift is settled."""

    ADOPT = "adopt"
    MEND = "mend"


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the aggregate, and of its pool.")],
    zone: Annotated[str, typer.Option("--zone", help="Availability zone; free text.")] = "",
    request_id: RequestId = "",
) -> None:
    """Make an aggregate without hosts."""
    request = aggregates_pb2.CreateAggregateRequest(
        name=name, availability_zone=zone, request_id=request_id or str(uuid.uuid4())
    )
    session: Session = context.obj
    with session.connect() as controller:
        made = calling.repeated(
            lambda: controller.aggregates.CreateAggregate(request, timeout=session.timeout_s)
        )
    _show(session, made)


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the aggregates with their hosts."""
    session: Session = context.obj
    with session.connect() as controller:
        found = _all(controller)
    if session.json:
        documents.write_all(found)
    else:
        screen.out().print(views.table(found))


@app.command()
def show(context: typer.Context, aggregate: Aggregate) -> None:
    """Show one aggregate: hosts, drift, and what is under way."""
    session: Session = context.obj
    request = aggregates_pb2.GetAggregateRequest(aggregate=aggregate)
    with session.connect() as controller:
        found = controller.aggregates.GetAggregate(request, timeout=session.timeout_s)
    _show(session, found)


@app.command()
def delete(context: typer.Context, aggregate: Aggregate) -> None:
    """Forget an aggregate that has no hosts."""
    session: Session = context.obj
    request = aggregates_pb2.DeleteAggregateRequest(aggregate=aggregate)
    with session.connect() as controller:
        controller.aggregates.DeleteAggregate(request, timeout=session.timeout_s)
    if not session.json:
        screen.say(f"aggregate {aggregate} is forgotten")


@app.command("add-host")
def add_host(
    context: typer.Context,
    aggregate: Aggregate,
    host: Host,
    *,
    force: Force = False,
    validate_only: Validate = False,
    wait: Wait = True,
    request_id: RequestId = "",
) -> None:
    """Join a host to the aggregate's pool."""
    request = aggregates_pb2.AddHostRequest(
        aggregate=aggregate,
        host=host,
        force=force,
        validate_only=validate_only,
        request_id=request_id or str(uuid.uuid4()),
    )
    stay = wait and not validate_only
    _begin(context.obj, lambda service, s: service.AddHost(request, timeout=s), stay=stay)


@app.command("remove-host")
def remove_host(
    context: typer.Context,
    aggregate: Aggregate,
    host: Host,
    *,
    confirm_wipe: ConfirmWipe = False,
    validate_only: Validate = False,
    wait: Wait = True,
    request_id: RequestId = "",
) -> None:
    """Eject a host from the aggregate's pool, which wipes it."""
    request = aggregates_pb2.RemoveHostRequest(
        aggregate=aggregate,
        host=host,
        confirm_wipe=confirm_wipe,
        validate_only=validate_only,
        request_id=request_id or str(uuid.uuid4()),
    )
    stay = wait and not validate_only
    _begin(context.obj, lambda service, s: service.RemoveHost(request, timeout=s), stay=stay)


@app.command()
def operation(context: typer.Context, operation_id: Operation, wait: Wait = False) -> None:
    """Show what is, or was, done to an aggregate's pool."""
    session: Session = context.obj
    with session.connect() as controller:
        _follow(session, controller, _operation(controller, operation_id), wait=wait)


@app.command()
def cancel(context: typer.Context, operation_id: Operation) -> None:
    """Stop an operation before dom0 begins, or what is done for a lost agent after it."""
    session: Session = context.obj
    request = aggregates_pb2.CancelAggregateOperationRequest(operation_id=operation_id)
    with session.connect() as controller:
        known = controller.aggregates.CancelAggregateOperation(request, timeout=session.timeout_s)
        _follow(session, controller, known, wait=False)


@app.command()
def settle(
    context: typer.Context,
    aggregate: Aggregate,
    how: Annotated[Settlement, typer.Argument(help="adopt what XAPI shows, or mend it.")],
) -> None:
    """Settle drift: where XAPI shows another pool than is wanted."""
    session: Session = context.obj
    number = aggregates_pb2.DriftSettlement.Value(f"DRIFT_SETTLEMENT_{how.name}")
    request = aggregates_pb2.SettleDriftRequest(aggregate=aggregate, settlement=number)
    with session.connect() as controller:
        settled = controller.aggregates.SettleDrift(request, timeout=session.timeout_s)
    _show(session, settled)


def _begin(session: Session, ask: Ask, *, stay: bool) -> None:
    """Begin an operation, and follow it if that is wanted."""
    with session.connect() as controller:
        begun = calling.repeated(lambda: ask(controller.aggregates, session.timeout_s))
        _follow(session, controller, begun, wait=stay)


def _show(session: Session, aggregate: aggregates_pb2.Aggregate) -> None:
    if session.json:
        documents.write(aggregate)
        return
    screen.out().print(views.detail(aggregate))


def _follow(
    session: Session,
    controller: Controller,
    operation: aggregates_pb2.AggregateOperation,
    *,
    wait: bool,
) -> None:
    """Show an operation; staying with it, tell each row of its journal as it comes."""
    told = 0 if session.json else _tell(operation, 0)
    if wait and not operation.HasField("end_time"):
        request = aggregates_pb2.WatchAggregatesRequest()
        for _ in controller.aggregates.WatchAggregates(request):
            operation = _operation(controller, operation.operation_id)
            told = told if session.json else _tell(operation, told)
            if operation.HasField("end_time"):
                break
    if session.json:
        documents.write(operation)
    elif operation.HasField("error") and operation.HasField("end_time"):
        screen.out().print(findings.listed([operation.error]))
    elif not operation.operation_id:
        screen.out().print(findings.listed(operation.findings))
    if operation.phase == aggregates_pb2.AGGREGATE_OPERATION_PHASE_FAILED:
        raise typer.Exit(exits.STAYED)


def _tell(operation: aggregates_pb2.AggregateOperation, told: int) -> int:
    for row in operation.journal[told:]:
        screen.say(views.row(row))
    return len(operation.journal)


def _operation(controller: Controller, operation_id: str) -> aggregates_pb2.AggregateOperation:
    request = aggregates_pb2.GetAggregateOperationRequest(operation_id=operation_id)
    return calling.repeated(
        lambda: controller.aggregates.GetAggregateOperation(request, timeout=controller.timeout_s)
    )


def _all(controller: Controller) -> list[aggregates_pb2.Aggregate]:
    request = aggregates_pb2.ListAggregatesRequest(page_size=paging.LARGEST_PAGE)
    call = controller.aggregates.ListAggregates
    pages = paging.pages(call, request, controller.timeout_s)
    return [aggregate for page in pages for aggregate in page.aggregates]
