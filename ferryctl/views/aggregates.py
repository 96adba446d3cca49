"""Aggregates and what is done to them, as tables and lines."""

from collections.abc import Sequence
from datetime import UTC

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ferryctl import screen, units
from ferryctl.views import findings
from xenferry.controller.v1 import aggregates_pb2


def table(found: Sequence[aggregates_pb2.Aggregate]) -> Table:
    """Return aggregates with their hosts and what is to be told of them."""
    grid = screen.table("aggregate", "zone", "hosts", "remarks", "uuid", fixed=("uuid",))
    for each in found:
        hosts = ", ".join(host.host_name or host.host_id for host in each.hosts)
        grid.add_row(
            each.name,
            each.availability_zone or "-",
            hosts or "-",
            _remarks(each),
            each.aggregate_id,
        )
    return grid


def detail(aggregate: aggregates_pb2.Aggregate) -> RenderableType:
    """Return an aggregate with its hosts, drift and open operation."""
    pool = aggregate.pool_id or "none yet: the first host brings it"
    parts: list[RenderableType] = [
        Text(f"{aggregate.name} ({aggregate.aggregate_id})", "bold"),
        Text(f"pool {pool}"),
    ]
    if aggregate.hosts:
        parts.append(_hosts(aggregate))
    if aggregate.drift:
        parts.append(findings.listed(aggregate.drift))
    if aggregate.HasField("operation"):
        parts.append(Text(_under_way(aggregate.operation), "yellow"))
    return Group(*parts)


def row(entry: aggregates_pb2.AggregateJournalEntry) -> str:
    """Return a row of a journal as a line."""
    time = entry.time.ToDatetime(UTC).astimezone().strftime("%H:%M:%S")
    return f"{time}  {entry.phase.lower().replace('_', ' '):<14} {entry.note}"


def _hosts(aggregate: aggregates_pb2.Aggregate) -> Table:
    grid = screen.table("host", "role", "in pool", "wanted", "agent", "uuid", fixed=("uuid",))
    for host in aggregate.hosts:
        grid.add_row(
            host.host_name or "-",
            "coordinator" if host.coordinator else "member" if host.in_pool else "-",
            _yes(host.in_pool),
            _yes(host.wanted),
            "alive" if host.alive else Text("not heard", "red"),
            host.host_id,
        )
    return grid


def _yes(value: bool) -> Text:
    return Text("yes", "green") if value else Text("no", "yellow")


def _remarks(aggregate: aggregates_pb2.Aggregate) -> str:
    remarks = [_under_way(aggregate.operation)] if aggregate.HasField("operation") else []
    remarks += [finding.message for finding in aggregate.drift]
    return "; ".join(remarks) or "-"


def _under_way(operation: aggregates_pb2.AggregateOperation) -> str:
    kinds, phases = aggregates_pb2.AggregateOperationKind, aggregates_pb2.AggregateOperationPhase
    kind = units.word(kinds.Name, operation.kind, "AGGREGATE_OPERATION_KIND_")
    phase = units.word(phases.Name, operation.phase, "AGGREGATE_OPERATION_PHASE_")
    text = f"{kind} {operation.host_name}: {phase} (operation {operation.operation_id})"
    return f"{text}; {operation.error.message}" if operation.HasField("error") else text
