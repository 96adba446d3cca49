"""Can the two releases, and the licences of the two pools, do this kind of migration?"""

from hostagent.model.checks import Kind
from hostagent.model.facts import HostFacts, InstanceFacts
from hostagent.model.finding import Finding, Reason, passed, refused, warned
from hostagent.operations.checks import versions

# Storage XenMotion came with XenServer 6.1 and XCP 1.6, which both are platform 1.6 (XAPI A17).
FIRST_WITH_BLOCK = "1.6"
# Up to XenServer 7.6, which is platform 2.x, the manuals promise no more than this (XAPI A17).
LIFTED_IN, MOST_DISKS, MOST_SNAPSHOTS = "3.0", 6, 1
# Named so by pool.restrictions; "true" forbids (XAPI A13).
_RESTRICTIONS = {
    Kind.SHARED_STORAGE: "restrict_xen_motion",
    Kind.BLOCK: "restrict_storage_xen_motion",
}


def licensed(host: HostFacts, kind: Kind) -> Finding:
    """Look at the licence of a host's pool."""
    subject, restriction = f"pool/{host.pool_name}", _RESTRICTIONS[kind]
    forbidden = restriction in host.licence_restrictions
    figures = {restriction: forbidden}
    if not forbidden:
        text = f"the licence of {host.pool_name} allows it"
        return passed(Reason.LICENCE_RESTRICTION, subject, text, **figures)
    text = f"the licence of {host.pool_name} forbids it ({restriction})"
    return refused(Reason.LICENCE_RESTRICTION, subject, text, "license the pool", **figures)


def can_block(host: HostFacts) -> Finding:
    """A release that does not tell its platform is older than any that can."""
    subject, told = f"host/{host.name}", host.software.platform_version
    figures = {"platform_version": told, "needed_platform_version": FIRST_WITH_BLOCK}
    if told and not versions.older(told, FIRST_WITH_BLOCK):
        text = f"{host.name} can move disks: its platform is {told}"
        return passed(Reason.BLOCK_MIGRATION_UNSUPPORTED, subject, text, **figures)
    return refused(
        Reason.BLOCK_MIGRATION_UNSUPPORTED,
        subject,
        f"{host.name} can't move disks: its platform is {told or 'not told'}, not"
        f" {FIRST_WITH_BLOCK} (XenServer 6.1, XCP 1.6)",
        f"update {host.name}, or move the disks to shared storage",
        **figures,
    )


def promised(source: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """Old releases promise block migrations of few disks with few snapshots; XAPI does not look."""
    told = source.software.platform_version
    disks = [disk for disk in instance.disks if not disk.cd]
    snapshots = max((disk.snapshots for disk in disks), default=0)
    few = len(disks) <= MOST_DISKS and snapshots <= MOST_SNAPSHOTS
    if few or not versions.older(told, LIFTED_IN):
        return []
    return [
        warned(
            Reason.DISK_NOT_MIGRATABLE,
            instance.subject,
            f"{instance.name} has {len(disks)} disks and {snapshots} snapshots of one; platform"
            f" {told} of {source.name} promises {MOST_DISKS} and {MOST_SNAPSHOTS}",
            "delete snapshots, detach disks, or update the host",
            platform_version=told,
            disks=len(disks),
            allowed_disks=MOST_DISKS,
            snapshots=snapshots,
            allowed_snapshots=MOST_SNAPSHOTS,
        )
    ]


def hardware(dest: HostFacts, instance: InstanceFacts) -> list[Finding]:
    """The destination has to know the version of virtual hardware; some releases tell none."""
    offered, wanted = dest.hardware_platform_versions, instance.hardware_platform_version
    if not offered:
        return []
    subject, told = f"host/{dest.name}", ", ".join(map(str, offered))
    text = f"{instance.name} has virtual hardware {wanted}, {dest.name} can run {told}"
    figures = {"hardware_platform_version": wanted, "offered": told}
    if wanted in offered:
        return [passed(Reason.HARDWARE_VERSION_UNSUPPORTED, subject, text, **figures)]
    remedy = f"update {dest.name}, or choose another destination"
    return [refused(Reason.HARDWARE_VERSION_UNSUPPORTED, subject, text, remedy, **figures)]
