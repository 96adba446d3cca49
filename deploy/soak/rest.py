"""After a round: everything is well again, time runs, and nothing may be open, lost or doubled."""

import contextlib
from collections.abc import Iterator

import grpc

from deploy.demo import simulator, xapi
from deploy.demo.processes import wait_until
from deploy.demo.stack import CALL_S
from deploy.faults import invariants
from deploy.faults.ground import HOSTS, Ground
from deploy.soak.acting import Actor, open_migrations
from xenferry.common.v1 import reason_pb2
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

ALONE_WITHIN_S = 25.0
AFTER_RESTARTS_S = 40.0
AGREED_WITHIN_S = 15.0
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
ADOPT = migration_pb2.RESOLUTION_ADOPT_REALITY


def problems(ground: Ground, actor: Actor, *, deadly: bool) -> list[str]:
    """Bring everything to rest and return what is not as it must be."""
    ground.heal()
    found = list(_open_ones(ground, deadly=deadly))
    lost = _lost(ground)
    if lost and not deadly:
        found += [f"I2: {name} does not run, and no host has died" for name in lost]
    if lost:
        _start(ground, lost)
    with contextlib.suppress(TimeoutError):
        wait_until("agreement", lambda: not invariants.everywhere(ground), AGREED_WITHIN_S, 0.3)
    found += invariants.everywhere(ground)
    if not deadly:
        found += _misplaced(ground, actor)
    return found


def _open_ones(ground: Ground, *, deadly: bool) -> Iterator[str]:
    """Wait until all have ended; do what an operator does about those that don't."""
    if _all_end(ground, ALONE_WITHIN_S):
        return
    for host in HOSTS:
        simulator.arm(ground.control, fault="restart_toolstack", host=host)
    if _all_end(ground, AFTER_RESTARTS_S):
        return
    if deadly:
        _start(ground, _lost(ground))
        for migration in open_migrations(ground):
            _adopt(ground, migration.migration_id)
        if _all_end(ground, ALONE_WITHIN_S):
            return
    for migration in open_migrations(ground):
        state = migration_pb2.MigrationState.Name(migration.state)
        reason = reason_pb2.Reason.Name(migration.error.reason)
        yield f"I7: {migration.migration_id} is {state}: {reason}: {migration.error.message}"


def _all_end(ground: Ground, within_s: float) -> bool:
    try:
        wait_until("all to end", lambda: not open_migrations(ground), within_s, 0.2)
    except TimeoutError:
        return False
    return True


def _adopt(ground: Ground, migration_id: str) -> None:
    request = scheduler_pb2.ResolveMigrationRequest(
        migration_id=migration_id, resolution=ADOPT, reason="its host has died"
    )
    with ground.stack.services() as services, contextlib.suppress(grpc.RpcError):
        services.scheduler.ResolveMigration(request, timeout=CALL_S)


def _lost(ground: Ground) -> list[str]:
    """Return the names of guests that XAPI does not show running."""
    names = []
    for url in xapi.coordinators(ground.stack.endpoints.values()):
        with xapi.session(url) as xenapi:
            names += [one.name for one in xapi.placements(xenapi) if not one.host]
    return names


def _start(ground: Ground, names: list[str]) -> None:
    """Start guests that a host's death has ended."""
    for url in xapi.coordinators(ground.stack.endpoints.values()):
        with xapi.session(url) as xenapi:
            for name in names:
                for ref in xenapi.VM.get_by_name_label(name):
                    if xenapi.VM.get_power_state(ref) == "Halted":
                        xenapi.VM.start(ref, False, False)


def _misplaced(ground: Ground, actor: Actor) -> Iterator[str]:
    """Yield guests that are not where their newest migration says that they went (I3)."""
    for guest, migration_id in actor.opened.items():
        ended = ground.migration(migration_id)
        if ended is None or ended.state != SUCCEEDED:
            continue
        host = ground.instance(guest).facts.host_id
        if host != ended.dest_host_id:
            yield f"I3: {guest} SUCCEEDED to {ended.dest_host_id} and is on {host or 'no host'}"
