"""Requests of the scheduler as model values, validated; each raises InvalidArgument with all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.api import paging
from controller.api.render import RESOLUTIONS, RESOLUTIONS_BACK, STATES_BACK
from controller.api.validation import REASON_LENGTH, Violations
from controller.model.migration import MigrationRequest, Resolution
from controller.ports.history import MigrationFilter, Position
from xenferry.controller.v1 import scheduler_pb2

MOST_CHECKED = 100
HIGHEST_PRIORITY = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of which list."""

    which: MigrationFilter
    size: int
    after: Position | None
    bound_to: str

    def token(self, last: Position) -> str:
        """Return the token of the page behind a migration."""
        micros = (last.create_time - _EPOCH) // timedelta(microseconds=1)
        return paging.encode(self.bound_to, micros, last.migration_id)


def live_migration(
    request: scheduler_pb2.LiveMigrationRequest, requested_by: str
) -> MigrationRequest:
    """Return what is asked for, and by whom."""
    violations = Violations()
    wanted = MigrationRequest(
        instance_id=violations.uuid("instance_id", request.instance_id),
        dest=violations.name("dest", request.dest),
        block_migration=request.block_migration if request.HasField("block_migration") else None,
        disk_over_commit=request.disk_over_commit,
        request_id=violations.optional_uuid("request_id", request.request_id),
        validate_only=request.validate_only,
        reason=violations.text("reason", request.reason, REASON_LENGTH),
        priority=violations.between(
            "priority", request.priority, -HIGHEST_PRIORITY, HIGHEST_PRIORITY
        ),
        requested_by=requested_by,
    )
    violations.raise_any()
    return wanted


def digest(wanted: MigrationRequest) -> str:
    """Return what two requests with one request_id must have in common; who asks is no part."""
    body = (
        wanted.instance_id,
        wanted.dest,
        wanted.block_migration,
        wanted.disk_over_commit,
        wanted.reason,
        wanted.priority,
    )
    return hashlib.sha256(repr(body).encode()).hexdigest()


def matrix(
    request: scheduler_pb2.CheckLiveMigrationRequest, everywhere: Sequence[str]
) -> list[MigrationRequest]:
    """Return a request for each instance and destination, every one where none is named."""
    violations = Violations()
    violations.count("instance_ids", request.instance_ids, 1, MOST_CHECKED)
    violations.count("dests", request.dests, 0, MOST_CHECKED)
    block = request.block_migration if request.HasField("block_migration") else None
    instance_ids = [
        violations.uuid(f"instance_ids[{index}]", value)
        for index, value in enumerate(request.instance_ids)
    ]
    dests = [violations.name(f"dests[{index}]", value) for index, value in enumerate(request.dests)]
    violations.raise_any()
    return [
        MigrationRequest(instance_id, dest, block, request.disk_over_commit, validate_only=True)
        for instance_id in instance_ids
        for dest in dests or everywhere
    ]


def migration_id(value: str) -> str:
    """Return the uuid of a migration."""
    violations = Violations()
    checked = violations.uuid("migration_id", value)
    violations.raise_any()
    return checked


def cancel(request: scheduler_pb2.CancelMigrationRequest) -> tuple[str, str]:
    """Return which migration to stop, and why."""
    violations = Violations()
    checked = violations.uuid("migration_id", request.migration_id)
    reason = violations.text("reason", request.reason, REASON_LENGTH)
    violations.raise_any()
    return checked, reason


def resolve(
    request: scheduler_pb2.ResolveMigrationRequest,
) -> tuple[str, Resolution, str]:
    """Return which migration to settle, how, and why."""
    violations = Violations()
    checked = violations.uuid("migration_id", request.migration_id)
    asked = RESOLUTIONS_BACK.get(request.resolution)
    if asked is None:
        known = ", ".join(each.value for each in RESOLUTIONS)
        violations.add("resolution", f"must be one of {known}, not {request.resolution}")
    reason = violations.text("reason", request.reason, REASON_LENGTH)
    if not reason.strip():
        violations.add("reason", "must say why; it is kept with the migration")
    violations.raise_any()
    return checked, asked or Resolution.ADOPT_REALITY, reason


def page(request: scheduler_pb2.ListMigrationsRequest) -> Page:
    """Return which migrations to list."""
    violations = Violations()
    bound_to = paging.binding(request.filter)
    place = paging.decode_times(violations, bound_to, request.page_token)
    wanted = Page(
        which=_filter(violations, request.filter),
        size=violations.page_size(request.page_size),
        after=place and Position(_EPOCH + timedelta(microseconds=place[0]), place[1]),
        bound_to=bound_to,
    )
    violations.raise_any()
    return wanted


def watch(
    request: scheduler_pb2.WatchMigrationsRequest, newest: int
) -> tuple[MigrationFilter, int]:
    """Return which migrations to watch, and from which revision on."""
    violations = Violations()
    which = _filter(violations, request.filter)
    start = violations.number("start_revision", request.start_revision, 0)
    if start > newest:
        violations.add("start_revision", f"is {start}, and the newest revision is {newest}")
    violations.raise_any()
    return which, start


def _filter(violations: Violations, message: scheduler_pb2.MigrationFilter) -> MigrationFilter:
    states = set()
    for index, number in enumerate(message.states):
        state = STATES_BACK.get(number)
        if state is None:
            violations.add(f"filter.states[{index}]", f"is not a known state: {number}")
        else:
            states.add(state)
    return MigrationFilter(
        states=frozenset(states),
        host_id=violations.optional_uuid("filter.host_id", message.host_id),
        instance_id=violations.optional_uuid("filter.instance_id", message.instance_id),
        migration_id=violations.optional_uuid("filter.migration_id", message.migration_id),
    )
