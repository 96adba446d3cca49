"""What the controller has not been told yet of this host and its instances."""

from collections.abc import Sequence
from dataclasses import dataclass

from hostagent.model.facts import InstanceFacts
from hostagent.model.records import HostRecord, VmRecord
from hostagent.model.settings import MigrationSettings
from hostagent.operations import inventory, look, memory
from hostagent.operations.retold import Retold
from hostagent.xapi.mirror import Change, Mirror

_OF_HOST = frozenset({"host_metrics", "sr", "pbd", "network", "pif"})
_OF_DEVICE = frozenset({"vbd", "vif"})


@dataclass(frozen=True, slots=True)
class Delta:
    """Instances that are new or changed, and uuids of those that are no longer here."""

    changed: tuple[InstanceFacts, ...]
    gone: tuple[str, ...]


class Changes:
    """Listens to the mirror; `waiting` is set while there is something to tell."""

    def __init__(
        self, mirror: Mirror, host_id: str, settings: MigrationSettings, retold: Retold
    ) -> None:
        self._mirror = mirror
        self._host_id = host_id
        self._settings = settings
        self._told: dict[str, InstanceFacts] = {}
        self._dirty: dict[str, str] = {}  # reference → uuid
        self._retold = retold
        self.waiting = retold.waiting
        self.host = False
        self.memory = False
        mirror.listen(self._hear)

    def everything(self) -> list[InstanceFacts]:
        """Return every instance of this host; from here on only differences are told."""
        self._retold.take()
        self._settle()
        host = self._own_host()
        mine = [
            inventory.instance_facts(self._mirror, vm, self._settings)
            for vm in self._mirror.vms.values()
            if host is not None and inventory.belongs(self._mirror, vm, host)
        ]
        self._told = {instance.instance_id: instance for instance in mine}
        return mine

    def take(self) -> Delta:
        """Return the differences since the last call, each once, and what was asked for."""
        again = self._retold.take()
        dirty = {self._mirror.vm_refs.get(uuid, uuid): uuid for uuid in again} | self._dirty
        self._settle()
        changed, gone = [], []
        host = self._own_host()
        for ref, uuid in dirty.items():
            vm = self._mirror.vms.get(ref)
            if host is None or vm is None or not inventory.belongs(self._mirror, vm, host):
                if self._told.pop(uuid, None) is not None or uuid in again:
                    gone.append(uuid)
                continue
            facts = inventory.instance_facts(self._mirror, vm, self._settings)
            if self._told.get(uuid) != facts or uuid in again:
                self._told[uuid] = facts
                changed.append(facts)
        return Delta(tuple(changed), tuple(gone))

    def _settle(self) -> None:
        self._dirty = {}
        self.waiting.clear()

    def _own_host(self) -> HostRecord | None:
        return look.host_by_id(self._mirror, self._host_id)

    def _hear(self, changes: Sequence[Change]) -> None:
        host = self._own_host()
        for change in changes:
            self._note(change, host.ref if host else "")
        if self._dirty or self.host or self.memory:
            self.waiting.set()

    def _note(self, change: Change, host_ref: str) -> None:
        if change.kind == "vm":
            self._note_vm(change.before, change.record, host_ref)
        elif change.kind in _OF_DEVICE:
            for device in (change.before, change.record):
                self._note_ref(device.vm if device else "")
        elif change.kind == "vdi":
            for ref in change.record.vbds if change.record else ():
                vbd = self._mirror.vbds.get(ref)
                self._note_ref(vbd.vm if vbd else "")
        elif change.kind == "vm_guest_metrics":
            self._note_ref(self._mirror.guest_refs.get(change.ref, ""))
        elif change.kind in _OF_HOST or change.ref == host_ref:
            self.host = True
        elif change.kind == "pool" and change.before != change.record:
            self.host = True
            self._dirty.update({ref: vm.uuid for ref, vm in self._mirror.vms.items()})

    def _note_ref(self, ref: str) -> None:
        vm = self._mirror.vms.get(ref)
        if vm is not None:
            self._dirty[ref] = vm.uuid

    def _note_vm(self, before: VmRecord | None, now: VmRecord | None, host_ref: str) -> None:
        vm = now or before
        if vm is None:
            return
        if vm.uuid in self._told or (now is not None and now.ordinary):
            self._dirty[vm.ref] = vm.uuid
        if _held(before, host_ref) != _held(now, host_ref):
            self.memory = True


def _held(vm: VmRecord | None, host_ref: str) -> int:
    """Return the memory that XAPI counts for a VM on a host, resident or expected there."""
    if vm is None or host_ref not in (vm.resident_on, vm.scheduled_on):
        return 0
    return memory.needed(vm)
