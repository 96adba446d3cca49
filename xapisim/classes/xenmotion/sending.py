"""One storage migration from its first disk to the last record: what VM.migrate_send and
VDI.pool_migrate do once they are admitted.
"""

from xapisim.classes import memory, operations, storage_rules
from xapisim.classes.engine import Engine
from xapisim.classes.migration import endings
from xapisim.classes.migration.calls import reserved
from xapisim.classes.migration.holds import wait_while_held
from xapisim.classes.migration.state import Migration
from xapisim.classes.xenmotion import moves, records, wish
from xapisim.classes.xenmotion.disks import Disks
from xapisim.classes.xenmotion.memory_move import Deliver, MemoryMove
from xapisim.classes.xenmotion.records import Records
from xapisim.classes.xenmotion.sends import Send
from xapisim.classes.xenmotion.tickets import Destination
from xapisim.classes.xenmotion.wish import Wish
from xapisim.errors import CancelledByUserError, XapiError, internal
from xapisim.hypervisor import Domain
from xapisim.values import NULL, Value

IMPORT_S = 0.5
"""The checks once more and the metadata that goes over."""
INTERFACE_GC_S = 30.0
"""How long the source's VIF records dangle (recorded on xapi 26.17)."""
_CHANGED_STATE = "The VM changed its power state during migration"


class Sending:
    def __init__(self, engine: Engine, asked: Wish, destination: Destination, task: str) -> None:
        self._engine = engine
        self._pool = engine.pool
        self._asked = asked
        self._destination = destination
        self._far = destination.engine.pool
        source = wish.handler_of(engine.pool, asked.vm)
        self._send = Send(asked.vm, source, task, engine.pool.vm_names(asked.vm))
        self._disks = Disks(engine, self._send, destination)
        self._records = Records(engine, asked, destination)
        self._move: MemoryMove | None = None

    @property
    def made(self) -> dict[str, str]:
        """The new disk by the old one."""
        return self._disks.made

    async def go(self) -> str:
        """The VM's ref where it is now; whatever fails, what was made is taken away again."""
        with self._engine.sends.admitted(self._send):
            self._engine.tasks.write(self._send.task, resident_on=self._send.source)
            self._engine.tasks.cancellable(self._send.task, self._send.cancelled.set)
            try:
                return await self._carry_out()
            except XapiError:
                self._undo()
                raise

    async def _carry_out(self) -> str:
        planned = moves.plan(self._pool, self._asked, self._destination)
        self._eject_discs()
        await self._disks.copy_all(planned)
        if self._destination.local:
            await self._hold("disks_copied")
            await self._finish_inside()
            return self._asked.vm
        return await self._finish_across()

    def _undo(self) -> None:
        """A guest that arrived keeps its records and disks, whatever the task says."""
        if self._move is None or not self._move.arrived:
            self._records.undo()
            self._disks.undo()
        if self._send.interrupted:
            self._engine.tasks.destroy(self._send.task)

    def _eject_discs(self) -> None:
        """A disc stays in its drive only if the map names it, on the SR where it is, or if the VM
        is suspended. After a failure what was ejected stays out.
        """
        if self._pool.database.read("VM", self._asked.vm, "power_state") == "Suspended":
            return
        for vbd, fields in list(wish.drives(self._pool, self._asked.vm, "CD")):
            home = self._pool.database.read("VDI", fields["VDI"], "SR")
            if self._asked.srs.get(fields["VDI"]) != home:
                self._check_ejectable(fields)
                self._pool.database.update("VBD", vbd, VDI=NULL, empty=True)
                storage_rules.refresh_vdi(self._pool, fields["VDI"])

    def _check_ejectable(self, vbd: dict[str, Value]) -> None:
        """The hypervisor knows nothing of a drive that is not attached (xapi.md (c) 20)."""
        if self._is_running() and not vbd["currently_attached"]:
            drive = f"{self._pool.database.read('VM', self._asked.vm, 'uuid')}/vbd.{vbd['device']}"
            raise internal(f"Object with type VM and id {drive} does not exist in xenopsd")

    async def _hold(self, phase: str) -> None:
        faults = self._pool.faults
        await wait_while_held(faults, phase, self._send.names, self._send.cancelled)
        if self._send.cancelled.is_set():
            raise CancelledByUserError(self._send.task)
        fault = faults.for_migration("fail_migration", phase, self._send.names)
        if fault is not None:
            raise XapiError(*fault.error) if fault.error else internal("Failure")

    def _is_running(self) -> bool:
        """Halted meanwhile is fine: shutting down commutes with moving the disks."""
        state = self._pool.database.read("VM", self._asked.vm, "power_state")
        if state == "Paused":
            uuids = [
                self._pool.database.read("VM", self._asked.vm, "uuid"),
                self._pool.database.read("host", self._send.source, "uuid"),
                self._far.database.read("host", self._destination.host, "uuid"),
            ]
            raise XapiError("VM_MIGRATE_FAILED", *uuids, _CHANGED_STATE)
        return bool(state == "Running")

    async def _finish_inside(self) -> None:
        if not self._is_running():
            records.repoint(self._pool, self.made)
            return
        migration = self._migration()

        def deliver(domain: Domain) -> None:
            endings.arrive(self._engine, migration, domain)
            records.repoint(self._pool, self.made)

        with reserved(self._pool, self._asked.vm, self._destination.host, self._send.task):
            await self._move_memory(migration, deliver)
        endings.hear_guest(self._engine, migration)
        endings.tell(self._engine, migration)

    async def _finish_across(self) -> str:
        await self._pool.clock.sleep(IMPORT_S)
        await self._hold("disks_copied")
        self._destination.check_session()
        new = self._records.import_all({**self.made, **self._disks.found})
        await self._hold("imported")
        if self._is_running():
            host = self._destination.host
            self._far.database.update("VM", new, scheduled_to_be_resident_on=host)
            self._check_memory(new)
            migration = self._migration()

            def deliver(domain: Domain) -> None:
                self._deliver_across(new, domain)

            await self._move_memory(migration, deliver)
        self._engine.tasks.uncancellable(self._send.task)
        self._records.unmark()
        if not self._asked.copy:
            self._remove_source()
        return new

    def _check_memory(self, new: str) -> None:
        """Looked at by nobody before: the memory of this very host."""
        needed = memory.needed_bytes(self._far.database.row("VM", new).fields)
        free = memory.free_bytes(self._far, self._destination.host, ignore_scheduled=new)
        if needed > free:
            lack = f"[S(Cannot_free_this_much_memory);[I({needed});I({free})]]"
            raise internal(f"Xenops_interface.Xenopsd_error({lack})")

    def _migration(self) -> Migration:
        return Migration(
            vm=self._asked.vm,
            vm_uuid=self._pool.database.read("VM", self._asked.vm, "uuid"),
            source=self._send.source,
            dest=self._destination.host,
            task=self._send.task,
            names=self._send.names,
            cancelled=self._send.cancelled,
        )

    async def _move_memory(self, migration: Migration, deliver: Deliver) -> None:
        far = self._destination.engine
        self._move = MemoryMove(self._engine, migration, far, deliver)
        with self._engine.sends.memory(self._asked.vm):
            await self._move.go()

    def _deliver_across(self, new: str, domain: Domain) -> None:
        self._far.database.update(
            "VM",
            new,
            power_state="Running",
            resident_on=self._destination.host,
            scheduled_to_be_resident_on=NULL,
            domid=domain.domid,
        )
        self._add_consoles(new)
        operations.set_attached(self._far, new, attached=True)
        operations.refresh(self._far, new)

    def _add_consoles(self, new: str) -> None:
        """As many as the guest had at its source."""
        address = self._far.database.read("host", self._destination.host, "address")
        for old in self._pool.database.read("VM", self._asked.vm, "consoles"):
            uuid = self._far.ids.fresh_uuid()
            location = f"https://{address}/console?uuid={uuid}"
            protocol = self._pool.database.read("console", old, "protocol")
            fields = {"uuid": uuid, "VM": new, "protocol": protocol, "location": location}
            self._far.add("console", fields)

    def _remove_source(self) -> None:
        vms = wish.family(self._pool, self._asked.vm)
        interfaces = self._pool.database.read("VM", self._asked.vm, "VIFs")
        for old in self.made:
            storage_rules.drop_vdi(self._pool, old)
        for vm in reversed(vms):
            records.remove_vm(self._pool, vm, keep_interfaces=vm == self._asked.vm)
        self._pool.spawn(self._collect(list(interfaces)))

    async def _collect(self, interfaces: list[str]) -> None:
        await self._pool.clock.sleep(INTERFACE_GC_S)
        for vif in interfaces:
            if self._pool.database.has("VIF", vif):
                self._pool.database.delete("VIF", vif)
