"""The inventory: what agents tell, kept in memory and written to the disk when it changes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from controller.model.inventory import Host, Instance
from controller.model.migration import Migration
from controller.ports.failures import StoreUnavailable
from controller.ports.registry import Delta, Registration
from controller.store import inventory_rows, metrics, schema
from controller.store.absences import Absences
from controller.store.database import Database
from controller.store.inventory_rows import Change, HostRecord, Placed, lasting
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.sightings import Sightings


class Inventory:
    """Implements ports.registry.Registry, its reading side included, and AgentDirectory.

    Memory changes only after the commit and in the order of commits, so it equals the tables;
    liveness alone is not written.
    """

    def __init__(self, database: Database, live: LiveMigrations, liveness: Liveness) -> None:
        self._database = database
        self._liveness = liveness
        self._hosts: dict[str, HostRecord] = {}
        self._instances: dict[str, Instance] = {}
        self._reserved: dict[str, dict[str, int]] = {}
        self._sightings = Sightings(liveness.alive)
        self._absences = Absences(liveness.now_s)
        self._unsettled: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        live.listen(self._on_migration)

    async def load(self) -> None:
        """Read what was known when the controller last ran."""
        self._hosts = await self._database.read(inventory_rows.read_hosts)
        self._instances = await self._database.read(inventory_rows.read_instances)

    async def register(self, registration: Registration) -> None:
        """Make a host known with all it has; replaces what its agent told before."""
        host_id = registration.host.host_id
        touched = self._sightings.replace_host(host_id, registration.instances)
        touched |= {key for key, known in self._instances.items() if known.host_id == host_id}
        present = self._hosts.get(host_id)
        maintenance = present is not None and present.maintenance
        host = HostRecord(registration.host, registration.agent_address, maintenance)
        self._liveness.hear(host_id, registration.agent_session_id, 0)
        await self._keep(host_id, host, touched)

    async def heartbeat(self, delta: Delta) -> bool:
        """Take a heartbeat; False asks the agent to register again."""
        host_id = delta.host_id
        known = self._hosts.get(host_id)
        follows = self._liveness.follows(host_id, delta.agent_session_id, delta.sequence)
        if known is None or not follows:
            return False
        repeated = self._liveness.repeats(host_id, delta.sequence)
        self._liveness.hear(host_id, delta.agent_session_id, delta.sequence)
        if repeated:
            return True
        self._sightings.remove(host_id, delta.gone)
        self._sightings.add(host_id, delta.changed)
        touched = {facts.instance_id for facts in delta.changed} | set(delta.gone)
        host = replace(known, facts=delta.host) if delta.host else known
        await self._keep(host_id, host, touched)
        return True

    async def set_maintenance(self, host_id: str, maintenance: bool) -> Host | None:
        """Open or close a host as a destination and return it; None if there is none."""
        known = self._hosts.get(host_id)
        if known is None:
            return None
        async with self._one_at_a_time:
            await self._write(Change(host=replace(known, maintenance=maintenance)))
        return await self.host(host_id)

    async def instance(self, instance_id: str) -> Instance | None:
        """Return the instance with this uuid, or None."""
        return self._instances.get(instance_id)

    async def host(self, host_id: str) -> Host | None:
        """Return the host with this uuid, or None."""
        record = self._hosts.get(host_id)
        return None if record is None else self._host(record)

    async def hosts_named(self, name: str) -> Sequence[Host]:
        """Return every host with exactly this name_label."""
        return [self._host(record) for record in self._hosts.values() if record.facts.name == name]

    async def hosts(self) -> Sequence[Host]:
        """Return every known host."""
        return [self._host(record) for record in self._hosts.values()]

    async def instances_named(self, name: str) -> Sequence[Instance]:
        """Return every instance with exactly this name_label."""
        return [instance for instance in self._instances.values() if instance.name == name]

    async def instances(self) -> Sequence[Instance]:
        """Return every known instance."""
        return list(self._instances.values())

    def agent_address(self, host_id: str) -> str:
        """Return host:port of a host's agent, empty if the host never registered."""
        record = self._hosts.get(host_id)
        return "" if record is None else record.agent_address

    def _host(self, record: HostRecord) -> Host:
        host_id = record.facts.host_id
        return Host(
            facts=record.facts,
            agent_address=record.agent_address,
            alive=self._liveness.alive(host_id),
            heartbeat_time=self._liveness.heard_at(host_id),
            maintenance=record.maintenance,
            reserved_memory_bytes=sum(self._reserved.get(host_id, {}).values()),
        )

    async def _keep(self, host_id: str, host: HostRecord, touched: set[str]) -> None:
        """Write what was told; goes on to its end even when the caller gives up."""
        await asyncio.shield(asyncio.ensure_future(self._keep_whole(host_id, host, touched)))

    async def _keep_whole(self, host_id: str, host: HostRecord, touched: set[str]) -> None:
        async with self._one_at_a_time:
            asked = touched | self._unsettled | self._sightings.disputed | self._absences.missing
            self._unsettled.clear()
            try:
                await self._write(self._change(host_id, host, asked))
            except StoreUnavailable:
                self._liveness.forget_session(host_id)
                raise

    def _change(self, host_id: str, host: HostRecord, touched: Iterable[str]) -> Change:
        new, changed, gone, fleeting = [], [], [], []
        for instance_id in touched:
            known = self._instances.get(instance_id)
            seen = self._sightings.believe(instance_id, known.host_id if known else "")
            if seen is None:
                if self._is_gone(known):
                    gone.append(instance_id)
                continue
            self._absences.ended(instance_id)
            if known is None:
                new.append(Placed(seen.facts, seen.home))
            elif seen.home != known.host_id or lasting(seen.facts) != lasting(known.facts):
                changed.append(Placed(seen.facts, seen.home))
            elif seen.facts != known.facts:
                fleeting.append(Placed(seen.facts, seen.home))
        told = None if self._hosts.get(host_id) == host else host
        return Change(told, new, changed, gone, fleeting)

    def _is_gone(self, known: Instance | None) -> bool:
        """Tell whether to forget an instance that nobody tells of."""
        if known is None:
            return False
        if known.migration_id:
            self._absences.ended(known.instance_id)
            return False
        return self._absences.lasts(known.instance_id)

    async def _write(self, change: Change) -> None:
        if not change.lasting:
            self._apply(change)
            return
        await self._database.write(
            metrics.INVENTORY,
            lambda connection: inventory_rows.write(connection, change),
            self._apply,
        )

    def _apply(self, change: Change) -> None:
        if change.host is not None:
            self._hosts[change.host.facts.host_id] = change.host
        for placed in (*change.new, *change.changed, *change.fleeting):
            known = self._instances.get(placed.facts.instance_id) or Instance(placed.facts)
            host_id = known.host_id if known.migration_id else placed.host_id
            self._instances[placed.facts.instance_id] = replace(
                known, facts=placed.facts, host_id=host_id
            )
        for instance_id in change.gone:
            if not self._instances[instance_id].migration_id:
                del self._instances[instance_id]
                self._absences.ended(instance_id)

    def _on_migration(self, migration: Migration, rehomed: bool) -> None:
        """Follow what the ledger has committed about an instance and its destination."""
        plan, ended = migration.plan, migration.state.ended
        held = self._reserved.setdefault(plan.dest_host_id, {})
        if ended:
            held.pop(migration.migration_id, None)
            self._unsettled.add(plan.instance_id)
        else:
            held[migration.migration_id] = migration.reserved_memory_bytes
        known = self._instances.get(plan.instance_id)
        if known is None:
            return
        if rehomed:
            facts = replace(known.facts, host_id=plan.dest_host_id, current_operations=())
            self._sightings.rehome(facts, plan.source_host_id, plan.dest_host_id)
            known = replace(known, facts=facts, host_id=plan.dest_host_id)
        self._instances[plan.instance_id] = replace(
            known,
            task_state="" if ended else schema.MIGRATING,
            migration_id="" if ended else migration.migration_id,
        )
