"""The stack as tests want it: impatient settings, and waits that end by what happens."""

import contextlib
from pathlib import Path

from deploy.demo import audit
from deploy.demo.processes import wait_until
from deploy.demo.stack import CALL_S, Stack
from tests.support import nursery
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

__all__ = ["Stack", "differences", "impatient", "is_clean", "open_migration", "wait_at_rest"]

# The simulator shows the truth at once, so a question need not be asked for long.
IMPATIENT = """[inventory]
heartbeat_s = 0.2
alive_after_s = 5.0

[saga]
retry_first_s = 0.1
retry_cap_s = 0.5
refused_retry_s = 0.5
settle_first_s = 0.1
settle_cap_s = 0.3
settle_quiet_s = 1.0
settle_slowest_mib_per_s = 100000.0
"""

# Likewise for a guest whose move failed: the simulator shows at once that it has stayed.
IMPATIENT_AGENT = """[migration]
poll_s = 1.0
doubt_s = 1.0
operations_s = 2.0
lost_reply_s = 1.0
"""

AT_REST = (
    migration_pb2.MIGRATION_STATE_SUCCEEDED,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK,
    migration_pb2.MIGRATION_STATE_CANCELLED,
    migration_pb2.MIGRATION_STATE_STUCK,
)


def impatient(directory: Path, time_factor: float = 20.0) -> Stack:
    """Return a stack in which nothing is waited for longer than a test needs."""
    return Stack(
        directory,
        time_factor=time_factor,
        controller_tables=IMPATIENT,
        agent_tables=IMPATIENT_AGENT,
        launcher=nursery.launch,
    )


def open_migration(stack: Stack, instance_id: str, dest: str) -> str:
    """Ask for a migration and return its id."""
    request = scheduler_pb2.LiveMigrationRequest(instance_id=instance_id, dest=dest)
    with stack.services() as services:
        return services.scheduler.LiveMigration(request, timeout=CALL_S).migration_id


def wait_at_rest(
    stack: Stack, migration_id: str, within_s: float = 30.0
) -> migration_pb2.Migration:
    """Return the migration once nothing more will happen to it; raises TimeoutError."""
    wanted = scheduler_pb2.MigrationFilter(migration_id=migration_id)
    request = scheduler_pb2.WatchMigrationsRequest(filter=wanted)
    with stack.services() as services:
        for answer in services.scheduler.WatchMigrations(request, timeout=within_s):
            if answer.HasField("migration") and answer.migration.state in AT_REST:
                whole = scheduler_pb2.GetMigrationRequest(migration_id=migration_id)
                return services.scheduler.GetMigration(whole, timeout=CALL_S)
    raise TimeoutError(f"migration {migration_id} did not come to rest")


def is_clean(stack: Stack) -> bool:
    """Tell whether another test may use the stack: all of it runs, and no migration is open."""
    if not all(process.running for process in stack.programs):
        return False
    request = scheduler_pb2.ListMigrationsRequest(page_size=1000)
    with stack.services() as services:
        found = services.scheduler.ListMigrations(request, timeout=CALL_S).migrations
    return all(migration.state in audit.ENDED for migration in found)


def differences(stack: Stack, within_s: float = 5.0) -> list[str]:
    """Return what does not agree; the next heartbeats may still bring it right."""
    with contextlib.suppress(TimeoutError):
        wait_until("all sides to agree", lambda: not audit.differences(stack), within_s, 0.1)
    return audit.differences(stack)
