"""What a guest's tools make possible: being asked to suspend, to shut down, to give up a device."""

from xapisim.classes.pool import Pool
from xapisim.values import Value


def has_drivers(pool: Pool, fields: dict[str, Value]) -> bool:
    """Whether the guest can be asked to suspend; a PV guest always can."""
    if fields["domain_type"] in ("pv", "pv_in_pvh", "pvh") or not fields["HVM_boot_policy"]:
        return True
    guest = pool.database.tables["VM_guest_metrics"].rows.get(fields["guest_metrics"])
    if guest is None:
        return False
    other = guest.fields["other"]
    return (
        guest.fields["PV_drivers_detected"]
        or _has_version(guest.fields)
        or "feature-suspend" in other
    )


def _has_version(guest: dict[str, Value]) -> bool:
    """Before PV_drivers_detected existed, the version the guest reported stood for it."""
    return bool(guest["PV_drivers_version"])
