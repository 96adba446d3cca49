"""Checks and reads requests; every violation of a request is told at once."""

import uuid
from collections.abc import Mapping
from typing import Any

from chassis.errors import InvalidArgument, Violation
from hostagent.api import inventory_messages, messages, volume_messages
from hostagent.model.checks import DestCheckData, DestQuestion, Kind, SourceQuestion
from hostagent.model.finding import Reason
from hostagent.model.move import Cargo, Fence, MoveOrder
from hostagent.xapi import receiving
from xenferry.hostagent.v1 import checks_pb2, move_pb2

_HOSTS = ("dest_host_id", "source_host_id", "host_id")


def fence(request: Any) -> Fence:
    """Return the fence and check everything that names an instance or a host."""
    check(request)
    return Fence(request.fence.migration_id, request.fence.epoch)


def preparation(request: move_pb2.PreLiveMigrationRequest) -> MoveOrder:
    """Return what this host is to be made ready for."""
    volumes = tuple(volume_messages.volume(one) for one in request.volumes)
    return _order(request, messages.kind(request.kind), Cargo(dest=_dest(request), volumes=volumes))


def move(request: move_pb2.LiveMigrationRequest) -> MoveOrder:
    """Return what is to be moved."""
    cargo = Cargo(
        ticket=dict(request.receive_ticket.values),
        dest=_dest(request),
        vdi_map=dict(request.vdi_map),
        vif_map=dict(request.vif_map),
    )
    return _order(request, messages.kind(request.kind), cargo)


def sessions(request: Any) -> tuple[str, ...]:
    """Return the sessions of the receive tickets that came back with a request."""
    found = (ticket.values.get(receiving.SESSION, "") for ticket in request.receive_tickets)
    return tuple(session for session in found if session)


def abort(request: move_pb2.AbortMigrationRequest) -> MoveOrder:
    """Return whose move is to be stopped."""
    return _order(request, Kind.UNSPECIFIED, Cargo())


def _order(request: Any, kind: Kind, cargo: Cargo) -> MoveOrder:
    return MoveOrder(
        fence=fence(request),
        instance_id=request.instance_id,
        dest_host_id=request.dest_host_id,
        kind=kind,
        cargo=cargo,
        source_host_id=getattr(request, "source_host_id", ""),
    )


def _dest(request: Any) -> DestCheckData | None:
    if not request.HasField("dest_check_data"):
        return None
    return messages.dest_check_data(request.dest_check_data)


def dest_question(request: checks_pb2.CheckCanLiveMigrateOnDestRequest) -> DestQuestion:
    """Return what is asked of the destination."""
    _refuse(
        _wrong_uuids(
            {
                "instance.instance_id": request.instance.instance_id,
                "source_pool_id": request.source_pool_id,
                "dest_host_id": request.dest_host_id,
            }
        )
    )
    return DestQuestion(
        instance=inventory_messages.instance(request.instance),
        source_pool_id=request.source_pool_id,
        dest_host_id=request.dest_host_id,
        block_migration=_optional(request),
        disk_over_commit=request.disk_over_commit,
    )


def source_question(request: checks_pb2.CheckCanLiveMigrateOnSrcRequest) -> SourceQuestion:
    """Return what is asked of the source."""
    _refuse(
        _wrong_uuids(
            {
                "instance_id": request.instance_id,
                "source_host_id": request.source_host_id,
                "dest_check_data.host.host_id": request.dest_check_data.host.host_id,
            }
        )
    )
    return SourceQuestion(
        instance_id=request.instance_id,
        source_host_id=request.source_host_id,
        dest=messages.dest_check_data(request.dest_check_data),
        block_migration=_optional(request),
    )


def check(request: Any) -> None:
    """Raise InvalidArgument with every field that is malformed."""
    known = request.DESCRIPTOR.fields_by_name
    uuids = {"fence.migration_id": request.fence.migration_id, "instance_id": request.instance_id}
    uuids |= {name: getattr(request, name) for name in _HOSTS if name in known}
    violations = _wrong_uuids(uuids)
    if request.fence.epoch < 0:
        text = f"must not be negative, not {request.fence.epoch}"
        violations.append(Violation("fence.epoch", text, Reason.BAD_ARGUMENT.name))
    if "kind" in known and messages.kind(request.kind) is Kind.UNSPECIFIED:
        text = "must say how the guest travels"
        violations.append(Violation("kind", text, Reason.BAD_ARGUMENT.name))
    _refuse(violations)


def uuids(**fields: str) -> None:
    """Raise InvalidArgument with every field that is no uuid."""
    _refuse(_wrong_uuids(fields))


def _wrong_uuids(fields: Mapping[str, str]) -> list[Violation]:
    return [
        Violation(name, f"must be a uuid, not {value!r}", Reason.BAD_ARGUMENT.name)
        for name, value in fields.items()
        if not is_uuid(value)
    ]


def is_uuid(text: str) -> bool:
    """Tell whether a text is a uuid as xenferry writes it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _refuse(violations: list[Violation]) -> None:
    if violations:
        text = "; ".join(f"{one.subject} {one.description}" for one in violations)
        raise InvalidArgument(Reason.BAD_ARGUMENT.name, text, violations)


def _optional(request: Any) -> bool | None:
    return request.block_migration if request.HasField("block_migration") else None
