"""What becomes of a joining host's records in the pool that it joins, as recorded on xapi 26.17."""

from xapisim.classes.engine import Engine, Seat
from xapisim.classes.membership import processors
from xapisim.classes.membership.transfer import Transfer, existing, of_host
from xapisim.values import NULL, Value

_CONTROL_DOMAIN = {
    "allowed_operations": [
        "destroy",
        "metadata_export",
        "changing_static_range",
        "changing_dynamic_range",
        "start_on",
        "start",
    ],
    "domarch": "",
}
"""What an import makes of a control domain (recorded)."""
_NO_OBJECT = "Ref:2"
"""What an imported VM has for `snapshot_of` and `parent` if it has none (recorded)."""


def merge(joiner: Seat, far: Engine) -> str:
    """The host's ref in its new pool. It is disabled, and its PBDs are unplugged, until it has
    started as a member.
    """
    moving = Transfer(joiner.engine, far)
    _match_networks(moving)
    _choose_host(moving, joiner.host)
    _choose_guests(moving)
    moving.carry()
    host = moving.refs[joiner.host]
    _add_vlans(far, host)
    _add_shared_storage(far, host)
    _settle(moving, joiner, host)
    return host


def _match_networks(moving: Transfer) -> None:
    """A network of the same bridge or, without PIFs, of the same name is the same network."""
    theirs = list(moving.far.pool.database.rows("network"))
    for mine in moving.near.pool.database.rows("network"):
        keys = ("bridge",) if mine.fields["PIFs"] else ("bridge", "name_label")
        same = [row for row in theirs if any(row.fields[k] == mine.fields[k] for k in keys)]
        if same:
            moving.stands_for(mine.ref, same[0].ref)
    moving.choose("network", moving.near.pool.database.refs("network"))


def _choose_host(moving: Transfer, host: str) -> None:
    near = moving.near
    db = near.pool.database
    moving.choose(
        "host_metrics", existing(near, "host_metrics", [db.read("host", host, "metrics")])
    )
    ssh = moving.far.pool.database.read("host", moving.far.pool.coordinator, "ssh_auto_mode")
    moving.choose("host", [host], enabled=False, current_operations={}, ssh_auto_mode=ssh)
    for class_name in ("host_cpu", "Certificate"):
        moving.choose(class_name, of_host(near, class_name, host))
    pifs = of_host(near, "PIF", host)
    metrics = [db.read("PIF", pif, "metrics") for pif in pifs]
    moving.choose("PIF_metrics", existing(near, "PIF_metrics", metrics))
    moving.choose("PIF", pifs)
    moving.choose("SR", db.refs("SR"))
    moving.choose("PBD", of_host(near, "PBD", host), currently_attached=False)
    moving.choose("VDI", db.refs("VDI"))


def _choose_guests(moving: Transfer) -> None:
    """Templates that every pool has stay behind."""
    near = moving.near
    task = moving.far.pool.ids.fresh_ref()
    for row in near.pool.database.rows("VM"):
        if row.fields["is_default_template"]:
            continue
        fields = row.fields
        config = {**fields["other_config"], "import_task": task}
        config.setdefault("mac_seed", moving.far.pool.ids.fresh_uuid())
        moving.choose("VM", [row.ref], other_config=config, **_as_imported(fields))
        for class_name, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
            moving.choose(class_name, existing(near, class_name, [fields[field]]))
        for class_name in ("VBD", "VIF", "console"):
            moving.choose(class_name, existing(near, class_name, fields[f"{class_name}s"]))


def _as_imported(fields: dict[str, Value]) -> dict[str, Value]:
    changed: dict[str, Value] = {"version": fields["version"] + 1}
    if fields["is_control_domain"]:
        changed |= _CONTROL_DOMAIN
    if fields["snapshot_of"] == NULL:
        changed["snapshot_of"] = _NO_OBJECT
    if fields["parent"] == NULL:
        changed["parent"] = _NO_OBJECT
    return changed


def _add_vlans(far: Engine, host: str) -> None:
    """The coordinator's VLANs, on the same device of the new host, unplugged (recorded)."""
    db = far.pool.database
    own = {db.read("PIF", pif, "device"): pif for pif in db.read("host", host, "PIFs")}
    for pif in list(db.read("host", far.pool.coordinator, "PIFs")):
        fields = db.record("PIF", pif)
        base = own.get(fields["device"])
        if fields["VLAN"] < 0 or base is None or not db.has("VLAN", fields["VLAN_master_of"]):
            continue
        vlan = far.pool.ids.fresh_ref()
        metrics = db.read("PIF", base, "metrics")
        changes = {"uuid": far.pool.ids.fresh_uuid(), "host": host, "metrics": metrics}
        changes |= {"VLAN_master_of": vlan, "currently_attached": False}
        upper = far.pool.add("PIF", {**fields, **changes})
        old = db.record("VLAN", fields["VLAN_master_of"])
        record = {"uuid": far.pool.ids.fresh_uuid(), "tagged_PIF": base, "untagged_PIF": upper}
        db.insert("VLAN", vlan, {**old, **record, "other_config": {}})


def _add_shared_storage(far: Engine, host: str) -> None:
    """A PBD for each of the pool's shared SRs, like the coordinator's."""
    db = far.pool.database
    for sr in list(db.rows("SR")):
        known = {db.read("PBD", pbd, "host"): pbd for pbd in sr.fields["PBDs"]}
        model = known.get(far.pool.coordinator) or next(iter(known.values()), None)
        if sr.fields["shared"] and model is not None and host not in known:
            config = db.read("PBD", model, "device_config")
            far.pool.add("PBD", {"host": host, "SR": sr.ref, "device_config": config})


def _settle(moving: Transfer, joiner: Seat, host: str) -> None:
    """What is no record: addresses, lines, loads."""
    near, far = moving.near.pool, moving.far.pool
    far.endpoints[host] = joiner.endpoint
    if joiner.host in near.nic_mbps:
        far.nic_mbps[host] = near.nic_mbps[joiner.host]
    for vm, load in near.loads.items():
        if vm in moving.refs:
            far.loads[moving.refs[vm]] = load
    far.without_tools |= {moving.refs[vm] for vm in near.without_tools if vm in moving.refs}
    if joiner.follows_endpoint:
        far.database.update("host", host, address=joiner.endpoint)
    processors.refresh(far)
