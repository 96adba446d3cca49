"""What the source knows of a way to a destination: its link, and where disks would go."""

from hostagent.model.checks import DestCheckData
from hostagent.model.records import HostRecord, VmRecord
from hostagent.operations import look
from hostagent.xapi.mirror import Mirror


def link_mbps(mirror: Mirror, host: HostRecord) -> int:
    """Return the speed of the host's management interface, Mbit/s; 0 where it is not known."""
    own = (pif for pif in mirror.pifs.values() if pif.host == host.ref and pif.management)
    pif = next(own, None)
    measured = mirror.pif_metrics.get(pif.metrics) if pif else None
    return measured.speed if measured else 0


def coordinator(mirror: Mirror) -> str:
    """Return the address of the pool's coordinator."""
    host = mirror.hosts.get(look.pool(mirror).coordinator)
    return host.address if host else ""


def map_inside(mirror: Mirror, vm: VmRecord, dest: DestCheckData) -> dict[str, str] | None:
    """Return the SR of each disk by reference, for a destination in this pool; None for another,
    or where the destination named no SR.

    A disk whose SR the destination has attached stays where it is.
    """
    attached = {sr.sr_id for sr in dest.host.storage_repositories if sr.attached}
    target = next((sr.ref for sr in mirror.srs.values() if sr.uuid == dest.dest_sr_id), "")
    if dest.host.pool_id != look.pool(mirror).uuid or not target:
        return None
    found: dict[str, str] = {}
    for ref in vm.vbds:
        vbd = mirror.vbds.get(ref)
        vdi = mirror.vdis.get(vbd.vdi) if vbd and not vbd.cd else None
        sr = mirror.srs.get(vdi.sr) if vdi else None
        if vdi is not None and sr is not None:
            found[vdi.ref] = sr.ref if sr.uuid in attached else target
    return found
