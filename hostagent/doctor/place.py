"""Is this the right pool and host, and can it take and send guests?"""

from hostagent.doctor.report import Check, doubtful, of_finding, well, wrong
from hostagent.model.records import HostRecord
from hostagent.model.settings import MigrationSettings
from hostagent.operations import inventory, look
from hostagent.operations.checks import dest_sr, migration_network
from hostagent.operations.words import listed
from hostagent.xapi.mirror import Mirror


def all_of(mirror: Mirror, host: HostRecord, settings: MigrationSettings) -> list[Check]:
    """Return a check for each; changes nothing."""
    return [
        _pool(mirror, host),
        _host(mirror, host),
        _filter(mirror, host, settings),
        _migration_network(mirror, host, settings),
        _networks(mirror, host),
        _own_vm(mirror, settings),
    ]


def _pool(mirror: Mirror, host: HostRecord) -> Check:
    pool = look.pool(mirror)
    role = "its coordinator" if look.coordinates(mirror, host) else "a member"
    text = f"{host.name} is {role} of pool {pool.name or pool.uuid}, of {len(mirror.hosts)} host(s)"
    if "rolling_upgrade_in_progress" in pool.other_config:
        mend = "finish the upgrade of all hosts"
        return doubtful("pool", f"{text}; a rolling upgrade is under way", mend)
    return well("pool", text)


def _host(mirror: Mirror, host: HostRecord) -> Check:
    name, text = "host", f"{host.name} ({host.uuid})"
    if not look.live(mirror, host):
        return wrong(name, f"XAPI says that {text} is not alive", "bring the host back")
    if not host.enabled:
        return doubtful(name, f"{text} is disabled: no guest can come", "xe host-enable")
    return well(name, f"{text} is alive and enabled")


def _filter(mirror: Mirror, host: HostRecord, settings: MigrationSettings) -> Check:
    """Only block migrations need it: what nobody set is no mistake of the settings."""
    setting = settings.sr_matching_filter
    finding = dest_sr.choose(mirror, host, setting).finding
    serious = setting != MigrationSettings().sr_matching_filter
    return of_finding("sr_matching_filter", finding, serious=serious)


def _migration_network(mirror: Mirror, host: HostRecord, settings: MigrationSettings) -> Check:
    finding = migration_network.find(mirror, host, settings.migration_network).finding
    serious = bool(settings.migration_network)
    return of_finding("migration_network", finding, serious=serious)


def _networks(mirror: Mirror, host: HostRecord) -> Check:
    facts = inventory.host_facts(mirror, host, 0)
    lacking = sorted(network.name for network in facts.networks if not network.available)
    unplugged = sorted(
        pif.device
        for pif in mirror.pifs.values()
        if pif.host == host.ref and not pif.attached and not pif.bond_slave_of
    )
    if lacking:
        text = f"{host.name} is not on {listed(lacking)}: no guest of those can come"
        return doubtful("networks", text, f"connect {host.name} to them")
    if unplugged:
        text = f"{listed(unplugged)} of {host.name} are unplugged"
        return doubtful("networks", text, "plug them (xe pif-plug)")
    return well("networks", f"{host.name} is on every network of the pool ({len(facts.networks)})")


def _own_vm(mirror: Mirror, settings: MigrationSettings) -> Check:
    name, own = "own_vm", settings.own_vm
    if not own:
        text = "it is not known in which VM the agent runs, so it could be told to move itself"
        mend = "set migration.own_vm to its uuid; nothing to do if it runs outside the pool"
        return doubtful(name, text, mend)
    vm = mirror.vms.get(mirror.vm_refs.get(own, ""))
    if vm is None:
        text = f"the pool has no VM {own}"
        return doubtful(name, text, "correct migration.own_vm, unless the agent runs elsewhere")
    return well(name, f"the agent runs in {vm.name}, which is never moved")
