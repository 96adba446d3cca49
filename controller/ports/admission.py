"""How a plan becomes a migration: one transaction decides, and it decides once.

AdmissionRefused
  ├─ InstanceBusy       another migration of the instance is open
  ├─ InstanceElsewhere  the instance has left the host that the plan was made for
  ├─ NoRoom             what is free at the destination is held for other migrations
  ├─ NoDiskRoom         so is the room on the SR that would take the disks
  ├─ HostChanging       the source or the destination joins or leaves a pool
  └─ RequestIdReused    the request_id was used before with another body
"""

from typing import Protocol

from controller.model.migration import Migration, MigrationPlan


class AdmissionRefused(Exception):
    """A plan is not admitted and nothing was written."""


class InstanceBusy(AdmissionRefused):
    """Another migration of the instance is open."""

    def __init__(self, plan: MigrationPlan, migration_id: str) -> None:
        super().__init__(
            f"{plan.instance_name} is being migrated already, by migration {migration_id}"
        )
        self.plan = plan
        self.migration_id = migration_id


class InstanceElsewhere(AdmissionRefused):
    """The instance has left the host that the plan was made for."""

    def __init__(self, plan: MigrationPlan) -> None:
        super().__init__(
            f"{plan.instance_name} has left {plan.source_host_name} since the move was planned"
        )
        self.plan = plan


class NoRoom(AdmissionRefused):
    """What is free at the destination is held for other migrations."""

    def __init__(self, plan: MigrationPlan, free_bytes: int, reserved_bytes: int) -> None:
        available_mib = (free_bytes - reserved_bytes) / 2**20
        super().__init__(
            f"{plan.dest_host_name} has {available_mib:,.0f} MiB free beside what is held for "
            f"migrations under way, {plan.instance_name} needs more than "
            f"{plan.memory_needed_bytes / 2**20:,.0f} MiB"
        )
        self.plan = plan
        self.free_bytes = free_bytes
        self.reserved_bytes = reserved_bytes


class NoDiskRoom(AdmissionRefused):
    """What is free on the SR that would take the disks is held for other migrations."""

    def __init__(self, plan: MigrationPlan, reserved_bytes: int) -> None:
        disk = plan.disk
        available_mib = (disk.free_bytes - reserved_bytes) / 2**20
        super().__init__(
            f"SR {disk.sr_name or disk.sr_id} has {available_mib:,.0f} MiB free beside what is "
            f"held for migrations under way, the disks of {plan.instance_name} need "
            f"{disk.needed_bytes / 2**20:,.0f} MiB"
        )
        self.plan = plan
        self.reserved_bytes = reserved_bytes


class HostChanging(AdmissionRefused):
    """The source or the destination joins or leaves a pool."""

    def __init__(self, operation_id: str, change: str) -> None:
        super().__init__(f"{change}; nothing is moved to or from it until that has ended")
        self.operation_id = operation_id


class RequestIdReused(AdmissionRefused):
    """The request_id was used before with another body."""

    def __init__(self, request_id: str, migration_id: str) -> None:
        super().__init__(f"request_id {request_id} was used before, with another body")
        self.request_id = request_id
        self.migration_id = migration_id


class Admission(Protocol):
    """The door to the ledger."""

    async def replay(self, request_id: str, digest: str) -> Migration | None:
        """Return the migration that a request with this id and body began, None if none did.

        Raises RequestIdReused.
        """

    async def admit(self, plan: MigrationPlan, owner: str, digest: str) -> Migration:
        """Write a migration, its reservation and the instance's task_state; durable on return.

        The same request_id and digest return the first migration. Raises AdmissionRefused.
        """
