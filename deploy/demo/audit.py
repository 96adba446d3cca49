"""What must hold when everything rests: XAPI, the hypervisors and the controller agree."""

from collections import Counter
from collections.abc import Iterator, Sequence

from deploy.demo import carrying, simulator, xapi
from deploy.demo.stack import CALL_S, Stack
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

# What xenferry writes into a VM's other_config while a migration is open begins with this.
MARK = "xenferry"
# This one says that a migration has ended, to an agent that hears of it late; it stays.
ENDED_MARK = "xenferry:ended:"

ENDED = (
    migration_pb2.MIGRATION_STATE_SUCCEEDED,
    migration_pb2.MIGRATION_STATE_ROLLED_BACK,
    migration_pb2.MIGRATION_STATE_CANCELLED,
)


def differences(stack: Stack) -> list[str]:
    """Return a sentence for each thing that is not as it must be; none when all is well."""
    placements: list[xapi.Placement] = []
    for url in xapi.coordinators(stack.endpoints.values()):
        with xapi.session(url) as xenapi:
            placements += xapi.placements(xenapi)
    found = list(_in_xapi(placements))
    found += _domains_differ(placements, simulator.living_domains(stack.control))
    found += _in_controller(stack, placements)
    found += carrying.differences(stack, placements)
    return found


def _in_xapi(placements: Sequence[xapi.Placement]) -> Iterator[str]:
    for uuid, count in Counter(one.uuid for one in placements).items():
        if count != 1:
            yield f"XAPI shows VM {uuid} {count} times"
    for one in placements:
        if one.operations:
            yield f"{one.name} is still under {sorted(one.operations.values())}"
        marks = [
            key
            for key in one.other_config
            if key.startswith(MARK) and not key.startswith(ENDED_MARK)
        ]
        if marks:
            yield f"{one.name} still has the marks {marks} in other_config"


def _domains_differ(
    placements: Sequence[xapi.Placement], domains: Sequence[simulator.Domain]
) -> Iterator[str]:
    shown = Counter((one.uuid, one.host) for one in placements if one.host)
    real = Counter((domain.vm_uuid, domain.host_uuid) for domain in domains)
    for (vm, host), count in (real - shown).items():
        yield f"VM {vm} runs on host {host} {count} times more than XAPI shows"
    for (vm, host), count in (shown - real).items():
        yield f"XAPI shows VM {vm} on host {host} {count} times more than it runs there"


def _in_controller(stack: Stack, placements: Sequence[xapi.Placement]) -> Iterator[str]:
    truth = {one.uuid: one.host for one in placements}
    with stack.services() as services:
        instances = services.inventory.ListInstances(
            inventory_pb2.ListInstancesRequest(page_size=1000), timeout=CALL_S
        ).instances
        migrations = services.scheduler.ListMigrations(
            scheduler_pb2.ListMigrationsRequest(page_size=1000), timeout=CALL_S
        ).migrations
    for migration in migrations:
        if migration.state not in ENDED:
            yield f"migration {migration.migration_id} is still open"
        if migration.reserved_memory_bytes:
            yield f"migration {migration.migration_id} still holds memory"
    for instance in instances:
        facts = instance.facts
        if facts.host_id != truth.get(facts.instance_id, ""):
            yield f"the controller has {facts.name} on {facts.host_id or 'no host'}, XAPI has not"
        if instance.task_state:
            yield f"{facts.name} is still {instance.task_state}"
    for host in stack.hosts():
        if host.reserved_memory_bytes:
            yield f"{host.facts.name} still holds memory for migrations"
