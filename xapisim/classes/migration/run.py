"""The phases of a live migration, from the domain that waits at the destination to the one that is
gone.
"""

from xapisim.classes.engine import Engine
from xapisim.classes.migration import ballooning, endings, guest
from xapisim.classes.migration.holds import first_of
from xapisim.classes.migration.line import Line, LineLostError
from xapisim.classes.migration.precopy import Precopy
from xapisim.classes.migration.state import Migration
from xapisim.classes.migration.tidying import tidying
from xapisim.classes.pool import Pool, VmLoad
from xapisim.errors import CancelledByUserError, XapiError, internal, xenopsd
from xapisim.faults.model import Fault
from xapisim.hypervisor import Domain, DomainState

CHECKS_S = 0.05
"""As long as the task can't be cancelled yet: a task.cancel that comes earlier is lost."""
SUSPEND_S = 0.2
RESUME_S = 0.3
COPY_SHARE = 10 / 11
"""The memory copy weighs ten of the eleven parts of XAPI's progress."""
COMPLETE_PROGRESS = 6 / 7
"""Where progress falls back to while VM.pool_migrate_complete runs (recorded on xapi 26.17)."""
INSTANT_STEPS = 4


class Run:
    """One migration on its way; `go` returns when the VM has arrived and raises when it has not."""

    def __init__(self, engine: Engine, migration: Migration, far: Engine | None = None) -> None:
        """`far` is the destination's pool, unless it is the source's."""
        self._engine = engine
        self._pool = engine.pool
        self._far = (far or engine).pool
        self._tasks = engine.tasks
        self._m = migration
        hypervisor = engine.pool.hypervisor
        self._source = hypervisor.find(migration.vm_uuid, _uuid(engine.pool, migration.source))
        self._dest: Domain | None = None
        self._line = Line(engine.pool, self._far, migration)
        self._ticks = 0
        self._last_round_s = 0.0
        self._switched = False

    async def go(self) -> None:
        """Begins anew when the guest reboots meanwhile."""
        if self._source is None:
            config = f"{self._m.vm_uuid}/config"
            raise internal(f"Object with type VM and id {config} does not exist in xenopsd")
        for _ in range(guest.ATTEMPTS):
            try:
                await self._attempt()
            except guest.GuestRebootedError as rebooted:
                self._turn_back()
                self._source = rebooted.domain
            except LineLostError as lost:
                raise self._end_without_contact() from lost
            else:
                return
        raise self._broken("End_of_file")

    async def _attempt(self) -> None:
        try:
            await self._prepare()
            await self._copy_memory()
        except CancelledByUserError:
            self._turn_back()
            raise
        await self._switch_over()
        await self._complete()

    def _end_without_contact(self) -> XapiError:
        """A lost destination costs a guest its life only if it is suspended; of a lost source
        nobody knows anything but that.
        """
        if self._line.source_died or not (self._switched or self._has_source()):
            if not self._switched:
                self._turn_back()
            if not self._line.source_died:
                endings.lose(self._engine, self._m)
            return XapiError("CANNOT_CONTACT_HOST", self._m.source)
        self._turn_back()
        if self._source_is_alive():
            return self._broken("End_of_file")
        endings.lose(self._engine, self._m)
        return self._broken(endings.failure_text("sync4"))

    async def _prepare(self) -> None:
        self._ticks = 0
        await self._pool.clock.sleep(CHECKS_S)
        await self._enter("check")
        if self._tasks.was_cancelled_early(self._m.task):
            raise CancelledByUserError(self._m.task)
        self._lose_task_row()
        self._tasks.write(self._m.task, resident_on=self._m.source)
        self._tasks.cancellable(self._m.task, self._m.cancelled.set)
        host = _uuid(self._far, self._m.dest)
        state = DomainState.RECEIVING
        self._dest = self._far.hypervisor.create(self._m.vm_uuid, host, state)
        await self._enter("prepare")
        await self._take(ballooning.preparation_s(self._pool.database.row("VM", self._m.vm).fields))
        await self._enter("sync1")

    def _turn_back(self) -> None:
        if self._dest is not None:
            self._far.hypervisor.destroy(self._dest)
            self._dest = None
        endings.turn_back(self._engine, self._m)

    def _lose_task_row(self) -> None:
        fault = self._strike("drop_task_row", "")
        if fault is not None and fault.when == "at_once":
            self._tasks.destroy(self._m.task)
        elif fault is not None:
            self._tasks.doom(self._m.task)

    async def _copy_memory(self) -> None:
        load = self._pool.loads.get(self._m.vm, VmLoad())
        size = ballooning.moved_bytes(self._pool.database.row("VM", self._m.vm).fields)
        copy = Precopy(size / 2**20, load)
        with self._engine.links.stream(self._m.source):
            if slow := self._pool.faults.for_host("slow_copy", self._source_names()):
                await self._copy_for(slow.seconds)
            elif self._pool.clock.instant:
                await self._copy_at_once()
            else:
                await self._copy_in_rounds(copy)
        if failure := self._pool.faults.for_host("fail_save", self._source_names()):
            self._turn_back()
            raise self._broken(failure.text)
        self._tasks.write(self._m.task, progress=1.0)

    async def _copy_at_once(self) -> None:
        for step in range(1, INSTANT_STEPS):
            self._report(step / INSTANT_STEPS)
            await self._enter_copy()
            await self._take(0)

    def _source_names(self) -> frozenset[str]:
        host = self._pool.database.row("host", self._m.source).fields
        return frozenset({host["name_label"], host["uuid"]})

    async def _copy_for(self, seconds: float) -> None:
        """As long as a fault says, whatever there is to copy."""
        passed_s = 0.0
        while passed_s < seconds:
            step_s = min(self._pool.clock.tick_s, seconds - passed_s)
            await self._take(step_s)
            passed_s += step_s
            self._report(min(passed_s / seconds, 0.94))
            await self._enter_copy()

    async def _copy_in_rounds(self, copy: Precopy) -> None:
        """Sends each round at the rate the NIC gives now; the last one is left for the downtime."""
        total_mib = copy.total_mib(self._rate())
        tick_s = self._pool.clock.tick_of(total_mib / self._rate())
        sent_mib = 0.0
        while copy.is_live:
            left_mib, took_s = copy.left_mib, 0.0
            while left_mib > 0:
                rate = self._rate()
                step_s = min(tick_s, left_mib / rate)
                await self._take(step_s)
                took_s += step_s
                left_mib -= step_s * rate
                sent_mib += step_s * rate
                self._report(min(sent_mib / total_mib, 0.94))
                await self._enter_copy()
            copy.round_took(took_s)
        self._last_round_s = copy.left_mib / self._rate()

    def _rate(self) -> float:
        return self._engine.links.rate_mib_s(self._m.source)

    def _report(self, fraction: float) -> None:
        self._ticks += 1
        self._tasks.write(self._m.task, progress=fraction * COPY_SHARE)

    async def _enter_copy(self) -> None:
        """Faults strike when some memory is over there; a hold works at any time."""
        if self._ticks == 1:
            await self._enter("precopy")
        else:
            await self._hold("precopy")

    async def _switch_over(self) -> None:
        """Downtime: from here on the migration can't be cancelled, and turning back loses the
        guest.
        """
        self._tasks.uncancellable(self._m.task)
        await self._enter("suspend")
        if self._source is not None:
            self._source.state = DomainState.SUSPENDED
        await self._take_uncancelled(SUSPEND_S + self._last_round_s)
        for phase in ("sync2", "sync3"):
            await self._enter(phase)
        await self._enter("sync4")
        await self._take_uncancelled(RESUME_S)
        await self._check_line()

    async def _complete(self) -> None:
        if self._dest is None:
            raise xenopsd("the destination's domain is gone")
        self._switch(self._dest)
        label = "VM.pool_migrate_complete"
        subtask = self._tasks.create(label, self._m.dest, parent=self._m.task)
        self._tasks.write(self._m.task, progress=COMPLETE_PROGRESS)
        if not self._m.orphaned:
            self._tasks.note(self._m.task, "debug_info:cancel_points_seen", str(self._ticks))
        try:
            await self._enter("complete")
            if not self._m.orphaned:
                self._arrive(self._dest)
            await endings.tear_down(self._engine, self._m)
        finally:
            self._tasks.destroy(subtask)
        if self._m.orphaned:
            endings.forget(self._engine, self._m)
            return
        endings.tell(self._engine, self._m)
        if self._m.dest_toolstack_lost:
            raise XapiError("CANNOT_CONTACT_HOST", self._m.dest)

    def _switch(self, dest: Domain) -> None:
        endings.switch(self._engine, self._source, dest)
        self._switched = True

    async def _enter(self, phase: str) -> None:
        await self._hold(phase)
        self._watch_guest(phase)
        fault = self._strike("fail_migration", phase)
        if fault is not None:
            self._fail(phase, fault)

    def _strike(self, name: str, phase: str) -> Fault | None:
        return self._pool.faults.for_migration(name, phase, self._m.names)

    def _watch_guest(self, phase: str) -> None:
        try:
            guest.act(self._engine, self._far, self._m, phase, self._source)
        except XapiError:
            self._turn_back()
            raise

    def _fail(self, phase: str, fault: Fault) -> None:
        if fault.end == "dest_running" and self._dest is not None:
            endings.switch(self._engine, self._source, self._dest)
            self._arrive(self._dest)
        else:
            if fault.end not in endings.KEEPS_DEST and self._dest is not None:
                self._far.hypervisor.destroy(self._dest)
            endings.end_badly(self._engine, self._m, fault.end, (self._source, self._dest))
        if fault.error:
            raise XapiError(*fault.error)
        raise self._broken(endings.failure_text(phase))

    def _arrive(self, dest: Domain) -> None:
        endings.arrive(self._engine, self._m, dest)

    def _broken(self, text: str) -> XapiError:
        return xenopsd(text)

    async def _hold(self, phase: str) -> None:
        """Waits while a fault holds this phase, or while one of the hosts is away."""
        while self._pool.faults.holds(phase, self._m.names):
            await first_of(self._pool.faults.changed(), self._m.cancelled.wait())
            self._check_cancelled()
        await self._check_line()

    def _has_source(self) -> bool:
        return self._source is not None and self._pool.hypervisor.has(self._source)

    async def _check_line(self) -> None:
        with tidying(self._tasks, self._line, self._m):
            await self._line.restored(None if self._switched else self._source, self._dest)

    def _check_cancelled(self) -> None:
        if self._m.cancelled.is_set() and self._source_is_alive():
            raise CancelledByUserError(self._m.task)

    def _source_is_alive(self) -> bool:
        return self._source is None or self._source.alive

    async def _take(self, simulated_s: float) -> None:
        await self._pool.clock.sleep(simulated_s)
        self._check_cancelled()

    async def _take_uncancelled(self, simulated_s: float) -> None:
        await self._pool.clock.sleep(simulated_s)


def _uuid(pool: Pool, host: str) -> str:
    uuid: str = pool.database.read("host", host, "uuid")
    return uuid
