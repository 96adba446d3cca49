"""May a host be added to an aggregate, or removed? What the controller knows by itself."""

from collections.abc import Sequence

from controller.model import words
from controller.model.aggregates import Aggregate
from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import Host, Instance, PowerState

_IDLE = (PowerState.HALTED, PowerState.SUSPENDED)


def coordinator(hosts: Sequence[Host], pool_id: str) -> Host | None:
    """Return the host that coordinates a pool, a living one first."""
    found = [h for h in hosts if h.facts.pool_id == pool_id and h.facts.coordinator]
    return max(found, key=lambda host: host.alive, default=None)


def members(hosts: Sequence[Host], aggregate: Aggregate) -> list[Host]:
    """Return the hosts that XAPI shows in the aggregate's pool.

    What was told last of a host that is neither heard nor wanted is long past: it was ejected.
    """
    return [
        host
        for host in hosts
        if host.facts.pool_id == aggregate.pool_id != ""
        and (host.alive or host.host_id in aggregate.host_ids)
    ]


def joining(host: Host, aggregate: Aggregate, hosts: Sequence[Host]) -> list[Finding]:
    """Return what stands against adding a host; its own and the pool's agent are asked after."""
    found = [_alive(host, "the host that is to join")]
    if not aggregate.pool_id:
        return [*found, _coordinates_itself(host)]
    leader = coordinator(hosts, aggregate.pool_id)
    return [*found, coordinator_alive(aggregate, leader)]


def leaving(
    host: Host, aggregate: Aggregate, hosts: Sequence[Host], instances: Sequence[Instance]
) -> list[Finding]:
    """Return what stands against ejecting a host."""
    found = [_no_instances(host, instances), no_ha(host)]
    if host.facts.coordinator:
        rest = [each for each in members(hosts, aggregate) if each.host_id != host.host_id]
        return [*found, _may_leave(host, rest)]
    return [*found, coordinator_alive(aggregate, coordinator(hosts, aggregate.pool_id))]


def coordinator_alive(aggregate: Aggregate, leader: Host | None) -> Finding:
    """Return whether anybody is heard that speaks for the pool."""
    subject = f"aggregate/{aggregate.name}"
    if leader is None:
        return Finding(
            Reason.NOT_COORDINATOR,
            Severity.ERROR,
            subject,
            f"no agent says that it coordinates pool {aggregate.pool_id} of {aggregate.name}",
            "see that the agent of the pool's coordinator runs and registers",
        )
    return _alive(leader, "the pool's coordinator")


def _alive(host: Host, what: str) -> Finding:
    subject = f"host/{host.name}"
    if host.alive:
        return Finding(
            Reason.DEST_NOT_ALIVE, Severity.OK, subject, f"the agent of {host.name} is heard"
        )
    return Finding(
        Reason.DEST_NOT_ALIVE,
        Severity.ERROR,
        subject,
        f"the agent of {host.name}, {what}, is not heard",
        "see that the host and its agent run",
    )


def _coordinates_itself(host: Host) -> Finding:
    subject = f"host/{host.name}"
    if host.facts.coordinator:
        text = f"{host.name} is the coordinator of its pool, which becomes the aggregate's"
        return Finding(Reason.NOT_COORDINATOR, Severity.OK, subject, text)
    return Finding(
        Reason.NOT_COORDINATOR,
        Severity.ERROR,
        subject,
        f"{host.name} is a member of pool {host.facts.pool_name}, and the first host of an "
        "aggregate has to be its pool's coordinator",
        "add the coordinator of that pool first",
    )


def _no_instances(host: Host, instances: Sequence[Instance]) -> Finding:
    running = sorted(
        each.name
        for each in instances
        if each.host_id == host.host_id
        and each.instance_id != host.facts.agent_instance_id
        and each.facts.power_state not in _IDLE
    )
    subject, figures = f"host/{host.name}", {"running": str(len(running))}
    if not running:
        text = f"nothing but its agent runs on {host.name}"
        return Finding(Reason.HOST_HAS_INSTANCES, Severity.OK, subject, text, measured=figures)
    return Finding(
        Reason.HOST_HAS_INSTANCES,
        Severity.ERROR,
        subject,
        f"{host.name} runs {words.counted(len(running), 'instance')}: {', '.join(running[:10])}",
        "migrate them away first",
        measured=figures,
    )


def changing(host: Host, change: str) -> Finding:
    """Return that a host joins or leaves a pool: its agent is shut down for it, or it is wiped."""
    remedy = "wait until that has ended, or choose another destination"
    return Finding(Reason.AGGREGATE_BUSY, Severity.ERROR, f"host/{host.name}", change, remedy)


def no_migrations(host: Host, open_ids: Sequence[str]) -> Finding:
    """Return whether a migration to or from a host is open, by the ids of those that are."""
    subject, figures = f"host/{host.name}", {"migrations": str(len(open_ids))}
    if not open_ids:
        text = f"no migration to or from {host.name} is open"
        return Finding(Reason.HOST_HAS_INSTANCES, Severity.OK, subject, text, measured=figures)
    named = ", ".join(open_ids[:10])
    are = f"{host.name} {words.are(len(open_ids))} open"
    text = f"{words.counted(len(open_ids), 'migration')} to or from {are}: {named}"
    remedy = "wait for them, or cancel them"
    return Finding(
        Reason.HOST_HAS_INSTANCES, Severity.ERROR, subject, text, remedy, measured=figures
    )


def no_ha(host: Host) -> Finding:
    """Return whether high availability of the host's pool stands against a change of it."""
    subject, figures = f"pool/{host.facts.pool_name}", {"ha_enabled": str(host.facts.ha_enabled)}
    if not host.facts.ha_enabled:
        text = f"high availability is off in {host.facts.pool_name}"
        return Finding(Reason.HIGH_AVAILABILITY, Severity.OK, subject, text, measured=figures)
    text = f"high availability is on in {host.facts.pool_name}, and XAPI changes no such pool"
    remedy = "turn it off for the time of the change (xe pool-ha-disable)"
    return Finding(
        Reason.HIGH_AVAILABILITY, Severity.ERROR, subject, text, remedy, measured=figures
    )


def wipe(host: Host, instances: Sequence[Instance], *, confirmed: bool) -> Finding:
    """Return what an ejection destroys beside the host's settings, and whether that is meant."""
    local = {sr.sr_id for sr in host.facts.storage_repositories if not sr.shared}
    named = sorted(
        each.name
        for each in instances
        if each.instance_id != host.facts.agent_instance_id
        and any(disk.sr_id in local and not disk.cd for disk in each.facts.disks)
    )
    owners = f"{words.counted(len(named), 'instance')} go with it: {', '.join(named[:10])}"
    lost = f"; disks of {owners}" if named else ""
    severity = Severity.WARNING if named else Severity.OK
    return Finding(
        Reason.WIPE_NOT_CONFIRMED,
        severity if confirmed else Severity.ERROR,
        f"host/{host.name}",
        f"ejecting wipes {host.name}: its local disks, its agent VM, its settings{lost}",
        "" if confirmed else "move what is needed away, then ask with confirm_wipe",
        measured={"instances": str(len(named))},
    )


def _may_leave(host: Host, rest: Sequence[Host]) -> Finding:
    subject = f"host/{host.name}"
    if not rest:
        text = f"{host.name} is the last host of its pool: nothing is ejected"
        return Finding(Reason.COORDINATOR_CANNOT_LEAVE, Severity.OK, subject, text)
    return Finding(
        Reason.COORDINATOR_CANNOT_LEAVE,
        Severity.ERROR,
        subject,
        f"{host.name} coordinates the pool of {words.counted(len(rest), 'other host')}",
        "make another host the coordinator first (xe pool-designate-new-master)",
        measured={"members": str(len(rest))},
    )
