"""What goes from a pool's records with a host that is no longer part of it."""

from xapisim.classes import sr_calls
from xapisim.classes.call import Call
from xapisim.classes.engine import Engine
from xapisim.classes.membership import processors
from xapisim.classes.membership.transfer import existing, of_host
from xapisim.values import NULL


def forget_local_storage(call: Call, host: str) -> None:
    for pbd in list(call.database.read("host", host, "PBDs")):
        call.database.update("PBD", pbd, currently_attached=False)
        sr = call.database.read("PBD", pbd, "SR")
        if call.database.has("SR", sr) and not call.database.read("SR", sr, "shared"):
            sr_calls.forget(call, sr)


def remove(engine: Engine, host: str) -> None:
    """Its control domain's metrics stay (recorded)."""
    db = engine.pool.database
    fields = dict(db.record("host", host))
    domains = existing(engine, "VM", [fields["control_domain"], *fields["resident_VMs"]])
    consoles = [console for vm in domains for console in db.read("VM", vm, "consoles")]
    pifs = of_host(engine, "PIF", host)
    vlans = [row.ref for row in db.rows("VLAN") if row.fields["tagged_PIF"] in pifs]
    metrics = existing(engine, "PIF_metrics", [db.read("PIF", pif, "metrics") for pif in pifs])
    chosen = {
        "PBD": of_host(engine, "PBD", host),
        "VLAN": vlans,
        "PIF": pifs,
        "PIF_metrics": metrics,
        "console": consoles,
        "VM": domains,
        "Certificate": of_host(engine, "Certificate", host),
        "host_cpu": of_host(engine, "host_cpu", host),
        "host": [host],
        "host_metrics": existing(engine, "host_metrics", [fields["metrics"]]),
    }
    for class_name, refs in chosen.items():
        for ref in refs:
            db.delete(class_name, ref)
    for vm in [row.ref for row in db.rows("VM") if row.fields["affinity"] == host]:
        db.update("VM", vm, affinity=NULL)
    processors.refresh(engine.pool)
