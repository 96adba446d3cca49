"""I1 to I7 (docs/architecture.md), on hypervisors, XAPI's records and the controller's answers."""

import contextlib
import http.client
from collections import Counter
from collections.abc import Iterator
from typing import Any

import XenAPI

from deploy.demo import audit, simulator, xapi
from deploy.demo.processes import wait_until
from deploy.faults.cells import Cell
from deploy.faults.ground import Ground
from xenferry.controller.v1 import migration_pb2

# The next heartbeats may still bring it right.
SETTLED_WITHIN_S = 10.0
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED


def broken(ground: Ground, cell: Cell, migration_id: str) -> list[str]:
    """Return a sentence for each invariant that does not hold once all has had time to rest."""

    def found() -> list[str]:
        return [*_of_migration(ground, cell, migration_id), *everywhere(ground)]

    with contextlib.suppress(TimeoutError):
        wait_until("all to hold", lambda: not found(), SETTLED_WITHIN_S, 0.2)
    return found()


def everywhere(ground: Ground) -> list[str]:
    """Return the same for all guests at once, whatever was done to them."""
    try:
        return [*audit.differences(ground.stack), *_residue(ground)]
    except (XenAPI.Failure, OSError, http.client.HTTPException) as error:
        return [f"XAPI does not answer: {error}"]


def doubled(ground: Ground) -> list[str]:
    """I1, at any moment: no guest runs twice."""
    running = Counter(
        domain.vm_uuid
        for domain in simulator.living_domains(ground.control)
        if domain.state in ("running", "paused")
    )
    return [f"I1: VM {vm} runs {count} times" for vm, count in running.items() if count > 1]


def _of_migration(ground: Ground, cell: Cell, migration_id: str) -> Iterator[str]:
    """Yield where the end that is told differs from where the guest is (I2, I3)."""
    found = ground.migration(migration_id)
    if found is None:
        yield "the migration can't be read"
        return
    expected = cell.dest if found.state == SUCCEEDED else cell.source
    name = migration_pb2.MigrationState.Name(found.state)
    here = ground.host_of(cell.way.instance)
    if here != expected:
        yield f"I3: it ended {name}, and the guest is on {here or 'no host'}, not on {expected}"


def _residue(ground: Ground) -> Iterator[str]:
    """Yield what is left of migrations in XAPI: disks of nobody, leases, mirrors (I5)."""
    for url in xapi.coordinators(ground.stack.endpoints.values()):
        with xapi.session(url) as xenapi:
            yield from _disks(xenapi)
            for kind in ("SR", "PBD", "network", "host"):
                records = getattr(xenapi, kind).get_all_records().values()
                for record in records:
                    yield from _marked(kind, record)


def _disks(xenapi: Any) -> Iterator[str]:
    for record in xenapi.VDI.get_all_records().values():
        name = record["name_label"] or record["uuid"]
        if not record["VBDs"]:
            yield f"I5: disk {name} ({record['uuid']}) belongs to no guest"
        if "base_mirror" in record["sm_config"]:
            yield f"I5: disk {name} still has base_mirror"
        yield from _marked("VDI", record)


def _marked(kind: str, record: Any) -> Iterator[str]:
    marks = [key for key in record["other_config"] if key.startswith(audit.MARK)]
    kept = [key for key in marks if not key.startswith(audit.ENDED_MARK)]
    if kept:
        yield f"I5: {kind} {record['uuid']} still has {kept}"
