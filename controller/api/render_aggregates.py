"""Aggregates and their operations as messages."""

from collections.abc import Sequence

from controller.model.aggregates import Aggregate, Note, Operation, OperationKind, Phase
from controller.model.inventory import Host
from controller.planning import pool_checks, pool_drift
from controller.wire import findings
from controller.wire.times import timestamp
from xenferry.controller.v1 import aggregates_pb2

_KINDS = {
    kind: aggregates_pb2.AggregateOperationKind.Value(f"AGGREGATE_OPERATION_KIND_{kind.name}")
    for kind in OperationKind
}
_PHASES = {
    phase: aggregates_pb2.AggregateOperationPhase.Value(f"AGGREGATE_OPERATION_PHASE_{phase.name}")
    for phase in Phase
}


def aggregate(known: Aggregate, hosts: Sequence[Host]) -> aggregates_pb2.Aggregate:
    """Return the message of an aggregate, with what XAPI shows of its pool."""
    leader = pool_checks.coordinator(hosts, known.pool_id)
    message = aggregates_pb2.Aggregate(
        aggregate_id=known.aggregate_id,
        name=known.name,
        availability_zone=known.availability_zone,
        pool_id=known.pool_id,
        hosts=_hosts(known, hosts),
        drift=findings.to_messages(pool_drift.of(known, hosts)),
        default_sr_id=leader.facts.default_sr_id if leader else "",
        create_time=timestamp(known.create_time),
        update_time=timestamp(known.update_time),
    )
    if known.operation is not None:
        message.operation.CopyFrom(operation(known.operation))
    return message


def operation(known: Operation) -> aggregates_pb2.AggregateOperation:
    """Return the message of an operation with its journal."""
    plan = known.plan
    message = aggregates_pb2.AggregateOperation(
        operation_id=known.operation_id,
        aggregate_id=plan.aggregate_id,
        kind=_KINDS[plan.kind],
        host_id=plan.host_id,
        host_name=plan.host_name,
        phase=_PHASES[known.phase],
        findings=findings.to_messages(plan.findings),
        agent_state=known.agent_state,
        journal=[_note(row) for row in known.journal],
        create_time=timestamp(known.create_time),
        update_time=timestamp(known.update_time),
        request_id=known.request_id,
    )
    if known.error is not None:
        message.error.CopyFrom(findings.to_message(known.error))
    if known.end_time is not None:
        message.end_time.CopyFrom(timestamp(known.end_time))
    return message


def _hosts(known: Aggregate, hosts: Sequence[Host]) -> list[aggregates_pb2.AggregateHost]:
    there = {host.host_id for host in pool_checks.members(hosts, known)}
    told = {host.host_id: host for host in hosts}
    shown = [_host(known, host_id, there, told) for host_id in {*known.host_ids, *there}]
    return sorted(shown, key=lambda host: (not host.coordinator, host.host_name, host.host_id))


def _host(
    known: Aggregate, host_id: str, there: set[str], told: dict[str, Host]
) -> aggregates_pb2.AggregateHost:
    host = told.get(host_id)
    return aggregates_pb2.AggregateHost(
        host_id=host_id,
        host_name=host.name if host else "",
        wanted=host_id in known.host_ids,
        in_pool=host_id in there,
        coordinator=host_id in there and host is not None and host.facts.coordinator,
        alive=host is not None and host.alive,
    )


def _note(row: Note) -> aggregates_pb2.AggregateJournalEntry:
    return aggregates_pb2.AggregateJournalEntry(
        sequence=row.sequence, phase=row.phase, time=timestamp(row.time), note=row.note
    )
