"""The VM's records in the pool it goes to: made while it still runs at the source, as XAPI's
metadata import makes them, and taken away again if it doesn't arrive.
"""

from xapisim.classes import operations, replicas, storage_rules
from xapisim.classes.device_calls import made_up_mac
from xapisim.classes.engine import Engine
from xapisim.classes.pool import Pool
from xapisim.classes.xenmotion import wish
from xapisim.classes.xenmotion.tickets import Destination
from xapisim.classes.xenmotion.wish import Wish
from xapisim.values import NULL, Value

_MARK = "maps_to"
_EXPORTED = "Ref:"


class Records:
    """`made` is the new VM by the old one: the VM itself and its snapshots."""

    def __init__(self, engine: Engine, asked: Wish, destination: Destination) -> None:
        self._pool = engine.pool
        self._asked = asked
        self._destination = destination
        self._far = destination.engine.pool
        self._marked: list[tuple[str, str]] = []
        self.made: dict[str, str] = {}

    def import_all(self, disks: dict[str, str]) -> str:
        """The new VM; `disks` is the new disk by the old one."""
        far = self._destination.engine
        task = far.tasks.create("VM.metadata_import", self._far.coordinator)
        self._mark("VDI", disks)
        for vm in wish.family(self._pool, self._asked.vm):
            self.made[vm] = self._import(vm, disks, task)
        far.tasks.destroy(task)
        new = self.made[self._asked.vm]
        for vm, copy in self.made.items():
            if vm != self._asked.vm:
                self._far.database.update("VM", copy, snapshot_of=new)
            operations.refresh(self._far, copy)
        return new

    def _mark(self, class_name: str, pairs: dict[str, str]) -> None:
        for old, new in pairs.items():
            config = self._pool.database.read(class_name, old, "other_config")
            self._pool.database.update(class_name, old, other_config={**config, _MARK: new})
            self._marked.append((class_name, old))

    def unmark(self) -> None:
        for class_name, ref in self._marked:
            if self._pool.database.has(class_name, ref):
                config = self._pool.database.read(class_name, ref, "other_config")
                left = {key: value for key, value in config.items() if key != _MARK}
                self._pool.database.update(class_name, ref, other_config=left)

    def _import(self, vm: str, disks: dict[str, str], task: str) -> str:
        old = self._pool.database.row("VM", vm).fields
        fields = {**replicas.carried(old), **self._identity(old, task), "domid": -1}
        fields["power_state"] = "Suspended" if old["power_state"] == "Suspended" else "Halted"
        for name in ("snapshot_of", "parent"):
            fields[name] = self._renumbered(old[name])
        fields["suspend_VDI"] = disks.get(old["suspend_VDI"], NULL)
        for class_name, name in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
            fields[name] = replicas.copy_of(self._pool, self._far, class_name, old[name])
        new = self._far.add("VM", fields)
        self._import_drives(vm, new, disks)
        self._import_interfaces(vm, new)
        self._carry_nature(vm, new)
        return new

    def _renumbered(self, ref: str) -> str:
        """An export numbers all references: that of nothing arrives as a number, and such a number
        arrives as nothing (recorded on xapi 26.17).
        """
        return NULL if ref.startswith(_EXPORTED) else f"{_EXPORTED}{self._pool.database.population}"

    def _identity(self, old: dict[str, Value], task: str) -> dict[str, Value]:
        """The same uuid and a newer version; a copy is a VM of its own."""
        config = {**old["other_config"], "import_task": task}
        if not self._asked.copy:
            return {"other_config": config, "version": old["version"] + 1}
        fresh = self._far.ids.fresh_uuid
        return {"uuid": fresh(), "other_config": {**config, "mac_seed": fresh()}}

    def _import_drives(self, vm: str, new: str, disks: dict[str, str]) -> None:
        for vbd in reversed(self._pool.database.read("VM", vm, "VBDs")):
            old = dict(self._pool.database.record("VBD", vbd))
            vdi = disks.get(old["VDI"], NULL)
            changes = {"VM": new, "VDI": vdi, "currently_attached": False, "metrics": NULL}
            empty = vdi == NULL
            self._far.add("VBD", {**self._own(old), **changes, "empty": empty})

    def _own(self, fields: dict[str, Value]) -> dict[str, Value]:
        """A device keeps its uuid, unless it is the device of a copy."""
        if not self._asked.copy:
            return fields
        return {name: value for name, value in fields.items() if name != "uuid"}

    def _import_interfaces(self, vm: str, new: str) -> None:
        """An interface whose old record still dangles there is left out (recorded)."""
        networks = self._networks()
        made = {}
        for vif in reversed(self._pool.database.read("VM", vm, "VIFs")):
            old = dict(self._pool.database.record("VIF", vif))
            taken = old["uuid"] in self._far.database.tables["VIF"].by_uuid
            if taken and not self._asked.copy:
                continue
            network = networks[old["MAC"]]
            self._far.database.row("network", network)
            changes = {"VM": new, "network": network, "currently_attached": False}
            changes["MAC_autogenerated"] = False
            if self._asked.copy and old["MAC_autogenerated"]:
                changes["MAC"] = made_up_mac(self._far, new, old["device"])
            made[vif] = self._far.add("VIF", {**self._own(old), **changes, "metrics": NULL})
        self._mark("VIF", made)

    def _networks(self) -> dict[str, str]:
        read = self._pool.database.read
        return {read("VIF", vif, "MAC"): network for vif, network in self._asked.networks.items()}

    def _carry_nature(self, vm: str, new: str) -> None:
        """What the guest is like: how fast it writes, whether it has tools."""
        if vm in self._pool.loads:
            self._far.loads[new] = self._pool.loads[vm]
        if vm in self._pool.without_tools:
            self._far.without_tools |= {new}

    def undo(self) -> None:
        self.unmark()
        for new in self.made.values():
            if self._far.database.has("VM", new):
                remove_vm(self._far, new)


def remove_vm(pool: Pool, vm: str, *, keep_interfaces: bool = False) -> None:
    """The VM with what is only its own; its disks stay."""
    fields = dict(pool.database.record("VM", vm))
    for class_name in ("VBD", "VIF", "console"):
        for ref in fields[f"{class_name}s"]:
            if class_name == "VIF" and keep_interfaces:
                pool.database.update("VIF", ref, currently_attached=False)
            else:
                pool.database.delete(class_name, ref)
    pool.database.delete("VM", vm)
    for class_name, name in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
        if pool.database.has(class_name, fields[name]):
            pool.database.delete(class_name, fields[name])


def repoint(pool: Pool, disks: dict[str, str]) -> None:
    """Inside the pool the drives stay and get the new disks; the old disks go."""
    db = pool.database
    for old, new in disks.items():
        for vbd in db.read("VDI", old, "VBDs"):
            db.update("VBD", vbd, VDI=new)
        for snapshot in db.read("VDI", old, "snapshots"):
            db.update("VDI", snapshot, snapshot_of=new)
        for vm in db.rows("VM"):
            if vm.fields["suspend_VDI"] == old:
                db.update("VM", vm.ref, suspend_VDI=new)
    for old, new in disks.items():
        storage_rules.drop_vdi(pool, old)
        storage_rules.refresh_vdi(pool, new)
