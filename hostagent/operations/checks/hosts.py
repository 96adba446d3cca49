"""Is the destination fit to take a guest: alive, enabled, in the same pool, with memory?"""

from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import HostRecord
from hostagent.operations.words import mib

_LEAVING = frozenset({"evacuate", "shutdown", "reboot", "power_on"})


def alive(host: HostFacts) -> Finding:
    """XAPI's belief, which may be 10 minutes late without HA (XAPI A13)."""
    subject = f"host/{host.name}"
    if host.live:
        return passed(
            Reason.DEST_NOT_ALIVE, subject, f"XAPI says that {host.name} is alive", live=True
        )
    return refused(
        Reason.DEST_NOT_ALIVE,
        subject,
        f"XAPI says that {host.name} is not alive",
        "bring the host back, or choose another destination",
        live=False,
    )


def enabled(host: HostFacts) -> Finding:
    """XAPI lets no guest come to a disabled host, also not with force."""
    subject = f"host/{host.name}"
    if host.enabled:
        return passed(Reason.DEST_DISABLED, subject, f"{host.name} is enabled", enabled=True)
    return refused(
        Reason.DEST_DISABLED,
        subject,
        f"{host.name} is disabled in XAPI",
        f"enable {host.name} (xe host-enable), or choose another destination",
        enabled=False,
    )


def idle(host: HostFacts, record: HostRecord) -> Finding:
    """A host that is being emptied or shut down takes no guest (XAPI A12)."""
    subject = f"host/{host.name}"
    leaving = sorted(_LEAVING.intersection(record.current_operations.values()))
    busy = ", ".join(leaving)
    if not leaving:
        text = f"{host.name} is not being emptied or shut down"
        return passed(Reason.OPERATION_IN_PROGRESS, subject, text)
    return refused(
        Reason.OPERATION_IN_PROGRESS,
        subject,
        f"XAPI is busy with {busy} on {host.name}",
        "wait until it has ended, or choose another destination",
        current_operations=busy,
    )


def memory(host: HostFacts, instance: InstanceFacts) -> Finding:
    """XAPI's own arithmetic on both sides; equal is enough for it."""
    subject = f"host/{host.name}"
    free, needed = host.memory_free_bytes, instance.memory_needed_bytes
    text = f"{host.name} has {mib(free)} free, {instance.name} needs {mib(needed)}"
    if free >= needed:
        return passed(
            Reason.INSUFFICIENT_MEMORY, subject, text, free_bytes=free, needed_bytes=needed
        )
    return refused(
        Reason.INSUFFICIENT_MEMORY,
        subject,
        text,
        "move or stop other instances there, or choose another destination",
        free_bytes=free,
        needed_bytes=needed,
    )


def same_pool(instance: InstanceFacts, source_pool_id: str, dest: HostFacts) -> Finding:
    """A guest on shared storage moves within a pool."""
    text = f"the source is in pool {source_pool_id}, {dest.name} is in pool {dest.pool_id}"
    figures = {"source_pool_id": source_pool_id, "dest_pool_id": dest.pool_id}
    if source_pool_id == dest.pool_id:
        return passed(
            Reason.POOLS_DIFFER,
            f"host/{dest.name}",
            f"both hosts are in pool {dest.pool_name}",
            **figures,
        )
    return refused(
        Reason.POOLS_DIFFER,
        instance.subject,
        text,
        "choose a destination in the source's pool",
        **figures,
    )


def another_host(source: HostFacts, dest: HostFacts) -> Finding:
    """XAPI would really migrate a guest to the host that it is on (recorded on xapi 26.17)."""
    figures = {"source_host_id": source.host_id, "dest_host_id": dest.host_id}
    if source.host_id != dest.host_id:
        return passed(
            Reason.DEST_IS_SOURCE, f"host/{dest.name}", f"{dest.name} is another host", **figures
        )
    return refused(
        Reason.DEST_IS_SOURCE,
        f"host/{dest.name}",
        f"the instance is on {dest.name} already",
        "choose another destination",
        **figures,
    )
