"""The checks in the order in which they are made and told: hosts first, then the instance.

Nothing is written because of a check that passed: admission looks again at what it reserves. What
XAPI is doing to the VM is not asked here: the inventory lags, and the source's agent looks.
"""

from collections.abc import Callable

from controller.model.findings import Finding
from controller.model.migration import MigrationKind
from controller.planning import host_checks, instance_checks
from controller.planning.snapshot import Snapshot

CHECKS: tuple[Callable[[Snapshot], Finding | None], ...] = (
    host_checks.source_alive,
    host_checks.dest_alive,
    host_checks.dest_is_not_source,
    host_checks.dest_enabled,
    host_checks.enough_memory,
    host_checks.hypervisor_matches,
    host_checks.dest_not_older,
    instance_checks.running,
    instance_checks.not_migrating,
    host_checks.pools_equal,
)


def run(snapshot: Snapshot) -> tuple[Finding, ...]:
    """Make every check that applies, whatever the others say."""
    judged = (check(snapshot) for check in CHECKS)
    return tuple(finding for finding in judged if finding is not None)


def asked_kind(snapshot: Snapshot) -> MigrationKind:
    """Return how the instance would travel by request and pools, before an agent was asked."""
    asked, source = snapshot.request.block_migration, snapshot.source
    pools_differ = source is not None and source.facts.pool_id != snapshot.dest.facts.pool_id
    if asked or (asked is None and pools_differ):
        return MigrationKind.BLOCK
    return MigrationKind.SHARED_STORAGE
