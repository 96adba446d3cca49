"""Checks of the two hosts, from the inventory alone.

Each returns one finding, or None when what it would compare is not there.
"""

from controller.model.findings import Finding, Reason
from controller.model.inventory import Host
from controller.planning import versions
from controller.planning.snapshot import Snapshot
from controller.planning.verdicts import passed, refused

MIB = 1024 * 1024


def source_alive(snapshot: Snapshot) -> Finding | None:
    """The agent of the source is heard, and XAPI believes the host to be live."""
    host_id = snapshot.instance.facts.host_id
    if snapshot.source is not None:
        return _alive(snapshot.source, Reason.SOURCE_NOT_ALIVE)
    if not host_id:
        return None
    return refused(
        Reason.SOURCE_NOT_ALIVE,
        f"host/{host_id}",
        f"{snapshot.instance.name} is on host {host_id}, whose agent never registered",
        "start xenferry-hostagent for that host",
        {"host_id": host_id},
    )


def dest_alive(snapshot: Snapshot) -> Finding:
    """The agent of the destination is heard, and XAPI believes the host to be live."""
    return _alive(snapshot.dest, Reason.DEST_NOT_ALIVE)


def dest_is_not_source(snapshot: Snapshot) -> Finding:
    """The instance would change hosts."""
    dest = snapshot.dest
    if not snapshot.dest_is_source:
        return passed(Reason.DEST_IS_SOURCE, snapshot.dest_subject, f"{dest.name} is another host")
    return refused(
        Reason.DEST_IS_SOURCE,
        snapshot.dest_subject,
        f"{snapshot.instance.name} is on {dest.name} already",
        "choose another destination",
        {"host_id": dest.host_id},
    )


def dest_enabled(snapshot: Snapshot) -> Finding:
    """XAPI lets guests start on the destination, and no operator is at work on it."""
    dest = snapshot.dest
    measured = {
        "enabled": str(dest.facts.enabled).lower(),
        "maintenance": str(dest.maintenance).lower(),
    }
    if dest.maintenance:
        message, remedy = "is in maintenance", "end its maintenance, or choose another destination"
    elif not dest.facts.enabled:
        message, remedy = "is disabled in XAPI", "run xe host-enable, or choose another destination"
    else:
        return passed(
            Reason.DEST_DISABLED, snapshot.dest_subject, f"{dest.name} is enabled", measured
        )
    return refused(
        Reason.DEST_DISABLED, snapshot.dest_subject, f"{dest.name} {message}", remedy, measured
    )


def enough_memory(snapshot: Snapshot) -> Finding:
    """Strictly more memory is free than the instance needs, after what other moves will take."""
    dest, instance = snapshot.dest, snapshot.instance
    needed = instance.facts.memory_needed_bytes
    reserved = dest.reserved_memory_bytes
    free = dest.facts.memory_free_bytes - reserved
    measured = {
        "free_bytes": str(free),
        "needed_bytes": str(needed),
        "reserved_bytes": str(reserved),
    }
    held = f", besides {reserved // MIB:,} MiB held for other migrations" if reserved else ""
    message = (
        f"{dest.name} has {max(free, 0) // MIB:,} MiB free{held}, "
        f"{instance.name} needs {-(-needed // MIB):,} MiB"
    )
    if free > needed:
        return passed(Reason.INSUFFICIENT_MEMORY, snapshot.dest_subject, message, measured)
    return refused(
        Reason.INSUFFICIENT_MEMORY,
        snapshot.dest_subject,
        message,
        f"free more than {-(-(needed - free) // MIB):,} MiB there, or choose another destination",
        measured,
    )


def hypervisor_matches(snapshot: Snapshot) -> Finding | None:
    """Both hosts run the same hypervisor."""
    if snapshot.source is None:
        return None
    dest, source = snapshot.dest, snapshot.source
    theirs, ours = dest.facts.hypervisor_type, source.facts.hypervisor_type
    measured = {"dest": theirs, "source": ours}
    if theirs == ours:
        return passed(
            Reason.HYPERVISOR_MISMATCH,
            snapshot.dest_subject,
            f"{dest.name} and {source.name} run {theirs}",
            measured,
        )
    return refused(
        Reason.HYPERVISOR_MISMATCH,
        snapshot.dest_subject,
        f"{dest.name} runs {theirs}, {source.name} runs {ours}",
        f"choose a destination that runs {ours}",
        measured,
    )


def dest_not_older(snapshot: Snapshot) -> Finding | None:
    """The destination runs the source's version or a newer one, in every part that both tell."""
    if snapshot.source is None:
        return None
    dest, source = snapshot.dest, snapshot.source
    theirs, ours = dest.facts.software, source.facts.software
    measured = {
        f"{side}_{part}": getattr(software, part)
        for part in versions.COMPARED
        for side, software in (("dest", theirs), ("source", ours))
    }
    untold = ", ".join(versions.untold_parts(theirs, ours))
    note = f" ({untold} not compared: not told by both)" if untold else ""
    older = versions.older_parts(theirs, ours)
    if not older:
        message = f"{dest.name} is not older than {source.name}{note}"
        return passed(Reason.DEST_OLDER, snapshot.dest_subject, message, measured)
    parts = ", ".join(
        f"{part} {getattr(theirs, part)} where {source.name} has {getattr(ours, part)}"
        for part in older
    )
    return refused(
        Reason.DEST_OLDER,
        snapshot.dest_subject,
        f"{dest.name} is older: {parts}{note}",
        f"update {dest.name}, or choose a destination with {source.name}'s version or newer",
        measured,
    )


def pools_equal(snapshot: Snapshot) -> Finding | None:
    """Both hosts are in one pool, as a move without the disks needs."""
    if snapshot.source is None:
        return None
    dest, source = snapshot.dest, snapshot.source
    measured = {"dest_pool_id": dest.facts.pool_id, "source_pool_id": source.facts.pool_id}
    if dest.facts.pool_id == source.facts.pool_id:
        message = f"{dest.name} and {source.name} are in one pool"
        return passed(Reason.POOLS_DIFFER, snapshot.dest_subject, message, measured)
    if snapshot.request.block_migration is not False:
        return None
    return refused(
        Reason.POOLS_DIFFER,
        snapshot.dest_subject,
        f"{dest.name} is in pool {_pool(dest)}, {source.name} in pool {_pool(source)}",
        f"choose a destination in pool {_pool(source)}, or let the disks move too",
        measured,
    )


def _pool(host: Host) -> str:
    return host.facts.pool_name or host.facts.pool_id or "(unknown)"


def _alive(host: Host, reason: Reason) -> Finding:
    subject = f"host/{host.name}"
    last = host.heartbeat_time.isoformat(timespec="seconds") if host.heartbeat_time else "never"
    measured = {"agent_alive": str(host.alive).lower(), "xapi_live": str(host.facts.live).lower()}
    if not host.alive:
        message = f"the agent of {host.name} is not heard; its last heartbeat: {last}"
        remedy = f"look at xenferry-hostagent of {host.name}, and at the network to it"
    elif not host.facts.live:
        message = f"XAPI says that {host.name} is not live"
        remedy = f"look at {host.name}: its power, its management network, its toolstack"
    else:
        return passed(reason, subject, f"{host.name} is alive", measured)
    return refused(reason, subject, message, remedy, measured)
