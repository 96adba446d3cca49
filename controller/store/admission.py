"""Admission: one transaction takes the instance, holds the memory and writes the migration."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from controller.model.migration import Migration, MigrationPlan, MigrationState
from controller.ports.admission import (
    InstanceBusy,
    InstanceElsewhere,
    NoDiskRoom,
    NoRoom,
    RequestIdReused,
)
from controller.ports.clock import Clock
from controller.store import change_log, ledger, metrics, pool_changes, records, revisions, schema
from controller.store.database import Database
from controller.store.live import LiveMigrations
from controller.store.prepared import Prepared

FIRST_EPOCH = 1

_MIGRATIONS, _INSTANCES, _HOSTS = schema.MIGRATIONS.c, schema.INSTANCES.c, schema.HOSTS.c

_BY_REQUEST = sa.select(_MIGRATIONS.migration_id, _MIGRATIONS.request_digest).where(
    _MIGRATIONS.request_id == sa.bindparam("request_id"), _MIGRATIONS.request_id != ""
)
_TAKE = Prepared(
    sa.update(schema.INSTANCES)
    .where(
        _INSTANCES.instance_id == sa.bindparam("guard_id"),
        _INSTANCES.host_id == sa.bindparam("guard_host"),
        _INSTANCES.task_state == "",
    )
    .values(task_state=schema.MIGRATING, migration_id=sa.bindparam("taken_by"))
)
_HOLDER = sa.select(_INSTANCES.migration_id).where(_INSTANCES.instance_id == sa.bindparam("id"))
_RESERVED = (
    sa.select(sa.func.coalesce(sa.func.sum(_MIGRATIONS.reserved_memory_bytes), 0))
    .where(_MIGRATIONS.dest_host_id == _HOSTS.host_id, schema.IS_OPEN)
    .scalar_subquery()
)
# The row lock makes admissions to one host wait for each other where a database has such locks.
_ROOM = Prepared(
    sa.select(_HOSTS.memory_free_bytes, _RESERVED.label("reserved_bytes"))
    .where(_HOSTS.host_id == sa.bindparam("id"))
    .with_for_update(of=schema.HOSTS)
)
_RESERVED_ON_SR = sa.select(
    sa.func.coalesce(sa.func.sum(_MIGRATIONS.reserved_disk_bytes), 0)
).where(_MIGRATIONS.dest_sr_id == sa.bindparam("id"), schema.IS_OPEN)
_INSERT = Prepared(sa.insert(schema.MIGRATIONS))


class SqlAdmission:
    """Implements ports.admission.Admission."""

    def __init__(
        self,
        database: Database,
        live: LiveMigrations,
        clock: Clock,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._database = database
        self._live = live
        self._clock = clock
        self._new_id = new_id

    async def replay(self, request_id: str, digest: str) -> Migration | None:
        """Return the migration that this request began, if any; raises RequestIdReused."""
        if not request_id:
            return None
        return await self._database.read(
            lambda connection: _first_answer(connection, request_id, digest)
        )

    async def admit(self, plan: MigrationPlan, owner: str, digest: str) -> Migration:
        """Admit a plan, or return what the same request began; raises AdmissionRefused."""
        migration_id, now = self._new_id(), self._clock.now()

        def transaction(connection: sa.Connection) -> Migration:
            first = _first_answer(connection, plan.request.request_id, digest)
            if first is not None:
                return first
            return _admit(connection, _new(plan, migration_id, now), owner, digest)

        def then(admitted: Migration) -> None:
            if admitted.migration_id == migration_id:
                self._live.changed(admitted)

        return await self._database.write(metrics.MIGRATION, transaction, then)


def _first_answer(connection: sa.Connection, request_id: str, digest: str) -> Migration | None:
    if not request_id:
        return None
    row = connection.execute(_BY_REQUEST, {"request_id": request_id}).one_or_none()
    if row is None:
        return None
    if row.request_digest != digest:
        raise RequestIdReused(request_id, row.migration_id)
    return ledger.read(connection, row.migration_id)


def _new(plan: MigrationPlan, migration_id: str, now: datetime) -> Migration:
    return Migration(
        migration_id=migration_id,
        plan=plan,
        state=MigrationState.QUEUED,
        revision=0,
        epoch=FIRST_EPOCH,
        create_time=now,
        update_time=now,
        reserved_memory_bytes=plan.memory_needed_bytes,
        reserved_disk_bytes=plan.disk.needed_bytes,
    )


def _admit(connection: sa.Connection, new: Migration, owner: str, digest: str) -> Migration:
    _take_instance(connection, new)
    pool_changes.refuse_changing(connection, new.plan)
    _check_room(connection, new.plan)
    # Before the SR's reservations are added up: the counter's row makes all who write wait for
    # each other, and an SR has no row of its own that could.
    admitted = replace(new, revision=revisions.take(connection))
    _check_disk_room(connection, new.plan)
    _INSERT.run(connection, records.to_row(admitted, owner, digest))
    change_log.append(connection, [admitted])
    return admitted


def _take_instance(connection: sa.Connection, new: Migration) -> None:
    plan = new.plan
    wanted = {
        "guard_id": plan.instance_id,
        "guard_host": plan.source_host_id,
        "taken_by": new.migration_id,
    }
    if _TAKE.run(connection, wanted) == 1:
        return
    holder = connection.execute(_HOLDER, {"id": plan.instance_id}).scalar_one_or_none()
    if holder:
        raise InstanceBusy(plan, holder)
    raise InstanceElsewhere(plan)


def _check_room(connection: sa.Connection, plan: MigrationPlan) -> None:
    room = _ROOM.row(connection, {"id": plan.dest_host_id})
    free, reserved = (0, 0) if room is None else (room.memory_free_bytes, room.reserved_bytes)
    if free - reserved <= plan.memory_needed_bytes:
        raise NoRoom(plan, free, reserved)


def _check_disk_room(connection: sa.Connection, plan: MigrationPlan) -> None:
    """Equal is enough: a disk takes its size and nothing beside it."""
    if not plan.disk.needed_bytes:
        return
    reserved = connection.execute(_RESERVED_ON_SR, {"id": plan.disk.sr_id}).scalar_one()
    if plan.disk.free_bytes - reserved < plan.disk.needed_bytes:
        raise NoDiskRoom(plan, reserved)
