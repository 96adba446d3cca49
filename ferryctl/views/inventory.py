"""Hosts and instances as tables."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from ferryctl import screen, units, words
from xenferry.controller.v1 import inventory_pb2


def hosts(found: Sequence[inventory_pb2.Host]) -> Table:
    """Return hosts with whether they take instances and how much memory they have left."""
    grid = screen.table(
        "host", "pool", "state", "version", "free of memory", "held", "uuid", fixed=("uuid",)
    )
    for host in found:
        facts = host.facts
        free, total = facts.memory_free_bytes, facts.memory_total_bytes
        held = host.reserved_memory_bytes
        grid.add_row(
            facts.name,
            facts.pool_name,
            _host_state(host),
            facts.software.product_version or facts.software.platform_version,
            f"{units.size(free)} of {units.size(total)}",
            units.size(held) if held else "",
            facts.host_id,
        )
    return grid


def _host_state(host: inventory_pb2.Host) -> Text:
    if not host.alive:
        return Text("away", "red")
    if not host.facts.live:
        return Text("dead for XAPI", "red")
    if host.maintenance:
        return Text("maintenance", "yellow")
    if not host.facts.enabled:
        return Text("disabled", "yellow")
    return Text("alive", "green")


def instances(found: Sequence[inventory_pb2.Instance], host_names: Mapping[str, str]) -> Table:
    """Return instances with where they run and whether they are on the move."""
    grid = screen.table(
        "instance",
        "host",
        "state",
        "memory",
        "vcpus",
        "disks on",
        "uuid",
        fixed=("uuid", "memory", "state"),
    )
    for instance in found:
        facts = instance.facts
        storage = sorted({disk.sr_name for disk in facts.disks if not disk.cd})
        grid.add_row(
            facts.name,
            host_names.get(facts.host_id, facts.host_id) or "-",
            instance.task_state or words.power(facts.power_state),
            units.size(facts.memory_needed_bytes),
            str(facts.vcpus),
            ", ".join(storage),
            facts.instance_id,
        )
    return grid
