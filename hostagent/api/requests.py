"""Checks and reads requests; every violation of a request is told at once."""

import uuid
from collections.abc import Mapping
from typing import Any

from chassis.errors import InvalidArgument, Violation
from hostagent.api import messages
from hostagent.model.checks import DestQuestion, SourceQuestion
from hostagent.model.finding import Reason
from hostagent.model.move import Fence, MoveOrder
from xenferry.hostagent.v1 import checks_pb2


def fence(request: Any) -> Fence:
    """Return the fence and check everything that names an instance or a host."""
    check(request)
    return Fence(request.fence.migration_id, request.fence.epoch)


def order(request: Any) -> MoveOrder:
    """Return what is to be moved; AbortMigrationRequest has no kind."""
    return MoveOrder(
        fence=fence(request),
        instance_id=request.instance_id,
        dest_host_id=request.dest_host_id,
        kind=messages.kind(getattr(request, "kind", 0)),
    )


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
        instance=messages.instance(request.instance),
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
    uuids = {"fence.migration_id": request.fence.migration_id, "instance_id": request.instance_id}
    if "dest_host_id" in request.DESCRIPTOR.fields_by_name:
        uuids["dest_host_id"] = request.dest_host_id
    violations = _wrong_uuids(uuids)
    if request.fence.epoch < 0:
        text = f"must not be negative, not {request.fence.epoch}"
        violations.append(Violation("fence.epoch", text, Reason.BAD_ARGUMENT.name))
    _refuse(violations)


def _wrong_uuids(fields: Mapping[str, str]) -> list[Violation]:
    return [
        Violation(name, f"must be a uuid, not {value!r}", Reason.BAD_ARGUMENT.name)
        for name, value in fields.items()
        if not _is_uuid(value)
    ]


def _is_uuid(text: str) -> bool:
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
