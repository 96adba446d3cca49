"""May a host join a pool? All that pool.join asks (XAPI A13), before anything is shut down."""

from collections.abc import Collection
from dataclasses import dataclass

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding, Reason, passed, refused, warned
from hostagent.model.pools import JoinerFacts

FREE_POOL_SIZE = 3


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a host must have none of, and the name of the figure that counts it."""

    reason: Reason
    figure: str
    found: Collection[str]


def at_host(joiner: JoinerFacts) -> list[Finding]:
    """Return what can be judged at the joining host alone."""
    return [_alone(joiner), _idle(joiner), _own_storage(joiner), _plain_networks(joiner)]


def at_coordinator(
    pool: HostFacts, brand: str, members: int, joiner: JoinerFacts, *, force: bool
) -> list[Finding]:
    """Return what the pool's coordinator makes of the joining host's facts."""
    return [
        _coordinates(pool),
        no_ha(pool),
        no_ha(joiner.host),
        _compatible(pool, brand, joiner),
        _same_software(pool, joiner, force=force),
        _same_vendor(pool, joiner, force=force),
        _licensed(pool, members, joiner),
        default_sr(pool),
    ]


def no_ha(host: HostFacts) -> Finding:
    """XAPI changes no pool while high availability is on."""
    subject = f"pool/{host.pool_name or host.name}"
    if not host.ha_enabled:
        text = f"high availability is off in {subject.partition('/')[2]}"
        return passed(Reason.HIGH_AVAILABILITY, subject, text, ha_enabled=False)
    return refused(
        Reason.HIGH_AVAILABILITY,
        subject,
        f"high availability is on in {subject.partition('/')[2]}, and XAPI changes no such pool",
        "turn it off for the time of the change (xe pool-ha-disable)",
        ha_enabled=True,
    )


def default_sr(pool: HostFacts) -> Finding:
    """A pool without shared default SR is allowed; instances there don't move on their own."""
    subject = f"pool/{pool.pool_name or pool.name}"
    known = {sr.sr_id: sr for sr in pool.storage_repositories}
    found = known.get(pool.default_sr_id)
    if found is not None and found.shared:
        text = f"{found.name} is the pool's default and shared"
        return passed(Reason.NO_SHARED_DEFAULT_SR, subject, text, default_sr_id=found.sr_id)
    what = f"its default {found.name} is not shared" if found else "it has no default"
    return warned(
        Reason.NO_SHARED_DEFAULT_SR,
        subject,
        f"{subject.partition('/')[2]} has no shared default SR: {what}",
        "make a shared SR the pool's default (xe pool-param-set default-SR=…)",
        default_sr_id=pool.default_sr_id,
    )


def _alone(joiner: JoinerFacts) -> Finding:
    subject, size = f"host/{joiner.host.name}", joiner.pool_size
    if size == 1:
        text = f"{joiner.host.name} is alone in its pool"
        return passed(Reason.HOST_IN_ANOTHER_POOL, subject, text, pool_size=size)
    return refused(
        Reason.HOST_IN_ANOTHER_POOL,
        subject,
        f"{joiner.host.name} is in pool {joiner.host.pool_name} with {size - 1} other hosts",
        "eject it from that pool first, which wipes it",
        pool_size=size,
        pool_id=joiner.host.pool_id,
    )


def _idle(joiner: JoinerFacts) -> Finding:
    host, running = joiner.host.name, joiner.running_vms
    return _has_none(
        Obstacle(Reason.HOST_HAS_INSTANCES, "running", running),
        joiner,
        f"nothing but its agent runs on {host}",
        f"{len(running)} run on {host} beside its agent",
        "shut them down, or move them to another pool, first",
    )


def _own_storage(joiner: JoinerFacts) -> Finding:
    host = joiner.host.name
    return _has_none(
        Obstacle(Reason.JOINER_HAS_SHARED_STORAGE, "shared_srs", joiner.shared_srs),
        joiner,
        f"{host} has no shared storage of its own",
        f"{host} has shared storage of its own",
        "detach and forget it there (xe sr-forget); the pool attaches its own",
    )


def _plain_networks(joiner: JoinerFacts) -> Finding:
    host = joiner.host.name
    return _has_none(
        Obstacle(Reason.JOINER_NETWORKS_UNFIT, "found", joiner.forbidden_networks),
        joiner,
        f"{host} has no bonds, VLANs or tunnels",
        f"pool.join refuses what {host} has",
        "remove these there; make them again in the pool after the join",
    )


def _has_none(
    obstacle: Obstacle, joiner: JoinerFacts, none: str, some: str, remedy: str
) -> Finding:
    subject, counted = f"host/{joiner.host.name}", {obstacle.figure: len(obstacle.found)}
    if not obstacle.found:
        return passed(obstacle.reason, subject, none, **counted)
    text = f"{some}: {', '.join(obstacle.found)}"
    return refused(obstacle.reason, subject, text, remedy, **counted)


def _coordinates(pool: HostFacts) -> Finding:
    subject = f"host/{pool.name}"
    if pool.coordinator:
        text = f"{pool.name} is the coordinator of {pool.pool_name or pool.pool_id}"
        return passed(Reason.NOT_COORDINATOR, subject, text, pool_id=pool.pool_id)
    return refused(
        Reason.NOT_COORDINATOR,
        subject,
        f"{pool.name} is not the coordinator of {pool.pool_name or pool.pool_id}",
        "ask again: the pool has another coordinator by now",
        pool_id=pool.pool_id,
    )


def _compatible(pool: HostFacts, brand: str, joiner: JoinerFacts) -> Finding:
    """Brand and platform version: XAPI insists on them also with join_force."""
    subject = f"host/{joiner.host.name}"
    ours = f"{brand} {pool.software.platform_version}"
    theirs = f"{joiner.product_brand} {joiner.host.software.platform_version}"
    figures = {"pool": ours, "joiner": theirs}
    if ours == theirs:
        text = f"both are {ours}"
        return passed(Reason.HOSTS_NOT_HOMOGENEOUS, subject, text, **figures)
    text = f"the pool is {ours}, {joiner.host.name} is {theirs}"
    remedy = "bring both to the same release; join_force doesn't help here"
    return refused(Reason.HOSTS_NOT_HOMOGENEOUS, subject, text, remedy, **figures)


def _same_software(pool: HostFacts, joiner: JoinerFacts, *, force: bool) -> Finding:
    ours, theirs = pool.software, joiner.host.software
    figures = {
        "pool_product_version": ours.product_version,
        "joiner_product_version": theirs.product_version,
        "pool_xapi_build": ours.xapi_build,
        "joiner_xapi_build": theirs.xapi_build,
    }
    subject = f"host/{joiner.host.name}"
    differs = ", ".join(
        f"{name} {one} and {other}"
        for name, one, other in (
            ("product_version", ours.product_version, theirs.product_version),
            ("xapi_build", ours.xapi_build, theirs.xapi_build),
        )
        if one != other
    )
    if not differs:
        text = f"both run {ours.product_version}"
        return passed(Reason.HOSTS_NOT_HOMOGENEOUS, subject, text, **figures)
    text = f"software of {joiner.host.name} and the pool differs: {differs}"
    tell = warned if force else refused
    remedy = f"update {joiner.host.name} to the pool's release, or ask with force"
    return tell(Reason.HOSTS_NOT_HOMOGENEOUS, subject, text, remedy, **figures)


def _same_vendor(pool: HostFacts, joiner: JoinerFacts, *, force: bool) -> Finding:
    """Only the vendor counts since 7.0; other features lower the pool's level."""
    subject = f"host/{joiner.host.name}"
    figures = {"pool_vendor": pool.cpu_vendor, "joiner_vendor": joiner.host.cpu_vendor}
    if pool.cpu_vendor == joiner.host.cpu_vendor:
        text = f"both have CPUs of {pool.cpu_vendor}"
        return passed(Reason.CPU_INCOMPATIBLE, subject, text, **figures)
    text = f"the pool has CPUs of {pool.cpu_vendor}, {joiner.host.name} of {joiner.host.cpu_vendor}"
    tell = warned if force else refused
    remedy = "choose another pool: guests don't move between vendors, whatever force says"
    return tell(Reason.CPU_INCOMPATIBLE, subject, text, remedy, **figures)


def _licensed(pool: HostFacts, members: int, joiner: JoinerFacts) -> Finding:
    subject = f"pool/{pool.pool_name or pool.name}"
    pooling = "restrict_pooling" in joiner.host.licence_restrictions
    size = "restrict_pool_size" in pool.licence_restrictions and members >= FREE_POOL_SIZE
    if not pooling and not size:
        text = f"licences allow a pool of {members + 1}"
        return passed(Reason.LICENCE_RESTRICTION, subject, text, members=members)
    why = f"{joiner.host.name} may not be pooled" if pooling else f"no more than {FREE_POOL_SIZE}"
    text = f"a licence forbids a pool of {members + 1}: {why}"
    remedy = "apply a licence that allows it"
    return refused(Reason.LICENCE_RESTRICTION, subject, text, remedy, members=members)
