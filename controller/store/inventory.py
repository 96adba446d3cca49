"""The inventory: what agents tell, kept in memory and written to the disk when it changes."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from controller.model.inventory import Host, Instance
from controller.model.migration import Migration
from controller.ports.failures import StoreUnavailable
from controller.ports.registry import Delta, Registration
from controller.store import inventory_log, inventory_rows, metrics, schema
from controller.store.absences import Absences
from controller.store.database import Database
from controller.store.feeds import Feed, Follower
from controller.store.instances import Instances
from controller.store.inventory_log import News
from controller.store.inventory_rows import Change, HostRecord, Placed, lasting
from controller.store.live import LiveMigrations
from controller.store.liveness import Liveness
from controller.store.sightings import Sightings

NEWS = 500


class Inventory:
    """Implements ports.registry.Registry, its reading side included, and AgentDirectory.

    Memory changes only after the commit and in the order of commits, so it equals the tables;
    liveness alone is not written.
    """

    def __init__(
        self, database: Database, live: LiveMigrations, liveness: Liveness, owner: str = ""
    ) -> None:
        self._database = database
        self._liveness = liveness
        self._owner = owner
        self._hosts: dict[str, HostRecord] = {}
        self._instances = Instances()
        self._reserved: dict[str, dict[str, int]] = {}
        self._sequence = 0
        self._alive: set[str] = set()
        self._host_feed, self._instance_feed = Feed(), Feed()
        self._sightings = Sightings(liveness.alive)
        self._absences = Absences(liveness.now_s)
        self._unsettled: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        live.listen(self._on_migration)

    async def load(self) -> None:
        """Read what was known when the controller last ran."""
        self._follow(await self._database.read(partial(inventory_log.everything, known=())))

    async def catch_up(self) -> None:
        """Take what other replicas were told; raises StoreUnavailable."""
        async with self._one_at_a_time:
            while (news := await self._database.read(self._news)) is not None:
                if news.upto == self._sequence:
                    return
                self._follow(news)
                await self._sight(news)
            known = tuple(self._instances)
            news = await self._database.read(partial(inventory_log.everything, known=known))
            self._follow(news)
            await self._sight(news)

    def pulse(self) -> None:
        """Tell watchers of hosts that have come alive or fallen silent since the last pulse."""
        alive = {host_id for host_id in self._hosts if self._liveness.alive(host_id)}
        self._host_feed.changed(alive ^ self._alive)
        self._alive = alive

    def follow_hosts(self) -> Follower:
        """Return what tells of hosts that change from now on."""
        return self._host_feed.follow()

    def follow_instances(self) -> Follower:
        """Return what tells of instances that change from now on."""
        return self._instance_feed.follow()

    async def register(self, registration: Registration) -> None:
        """Make a host known with all it has; replaces what its agent told before."""
        host_id = registration.host.host_id
        before = self._sightings.of(host_id)
        touched = self._sightings.replace_host(host_id, registration.instances)
        left = before - self._sightings.of(host_id)
        touched |= self._instances.at(host_id)
        present = self._hosts.get(host_id) or HostRecord(registration.host, "")
        host = replace(present, facts=registration.host, agent_address=registration.agent_address)
        self._hear(host_id, registration.agent_session_id, 0)
        await self._keep(host, touched, left)

    async def heartbeat(self, delta: Delta) -> bool:
        """Take a heartbeat; False asks the agent to register again."""
        host_id = delta.host_id
        known = self._hosts.get(host_id)
        follows = self._liveness.follows(host_id, delta.agent_session_id, delta.sequence)
        if known is None or not follows:
            return False
        repeated = self._liveness.repeats(host_id, delta.sequence)
        self._hear(host_id, delta.agent_session_id, delta.sequence)
        if repeated:
            return True
        self._sightings.remove(host_id, delta.gone)
        self._sightings.add(host_id, delta.changed)
        touched = {facts.instance_id for facts in delta.changed} | set(delta.gone)
        host = replace(known, facts=delta.host) if delta.host else known
        await self._keep(host, touched, delta.gone)
        return True

    async def set_maintenance(self, host_id: str, maintenance: bool, reason: str) -> Host | None:
        """Open or close a host as a destination and return it; None if there is none."""
        known = self._hosts.get(host_id)
        if known is None:
            return None
        async with self._one_at_a_time:
            closed = replace(
                known, maintenance=maintenance, maintenance_reason=reason if maintenance else ""
            )
            await self._write(Change(host=closed))
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
        return [instance for instance in self._instances.all() if instance.name == name]

    async def instances(self) -> Sequence[Instance]:
        """Return every known instance."""
        return self._instances.all()

    def agent_address(self, host_id: str) -> str:
        """Return host:port of a host's agent, empty if the host never registered."""
        record = self._hosts.get(host_id)
        return "" if record is None else record.agent_address

    def _hear(self, host_id: str, session_id: str, sequence: int) -> None:
        self._liveness.hear(host_id, session_id, sequence)
        if host_id not in self._alive:
            self._alive.add(host_id)
            self._host_feed.changed([host_id])

    def _host(self, record: HostRecord) -> Host:
        host_id = record.facts.host_id
        return Host(
            facts=record.facts,
            agent_address=record.agent_address,
            alive=self._liveness.alive(host_id),
            heartbeat_time=self._liveness.heard_at(host_id),
            maintenance=record.maintenance,
            maintenance_reason=record.maintenance_reason,
            reserved_memory_bytes=sum(self._reserved.get(host_id, {}).values()),
        )

    async def _keep(self, host: HostRecord, touched: set[str], left: Collection[str]) -> None:
        """Write what was told; goes on to its end even when the caller gives up."""
        await asyncio.shield(asyncio.ensure_future(self._keep_whole(host, touched, left)))

    async def _keep_whole(self, host: HostRecord, touched: set[str], left: Collection[str]) -> None:
        async with self._one_at_a_time:
            asked = touched | self._unsettled | self._sightings.disputed | self._absences.missing
            self._unsettled.clear()
            host_id = host.facts.host_id
            told = None if self._hosts.get(host_id) == host else host
            change = replace(self._change(asked), host=told)
            if self._database.shared:
                change = replace(change, left=self._instances.placed(left, host_id))
            try:
                await self._write(change)
            except StoreUnavailable:
                self._liveness.forget_session(host_id)
                raise

    def _change(self, touched: Iterable[str]) -> Change:
        new, changed, gone, fleeting = [], [], [], []
        for instance_id in touched:
            known = self._instances.get(instance_id)
            seen = self._sightings.believe(instance_id, known.host_id if known else "")
            if seen is None:
                if known is not None and self._is_gone(known):
                    gone.append(Placed(known.facts, known.host_id))
                continue
            self._absences.ended(instance_id)
            if known is None:
                new.append(Placed(seen.facts, seen.home))
            elif seen.home != known.host_id or lasting(seen.facts) != lasting(known.facts):
                changed.append(Placed(seen.facts, seen.home))
            elif seen.facts != known.facts:
                fleeting.append(Placed(seen.facts, seen.home))
        return Change(None, new, changed, gone, fleeting=fleeting)

    def _is_gone(self, known: Instance) -> bool:
        """Tell whether to forget an instance that nobody tells of."""
        if known.migration_id:
            self._absences.ended(known.instance_id)
            return False
        if self._database.shared and not self._liveness.reports_here(known.host_id):
            return False
        return self._absences.lasts(known.instance_id)

    async def _write(self, change: Change) -> None:
        if not change.lasting:
            self._apply(change)
            return
        await self._database.write(
            metrics.INVENTORY,
            lambda connection: self._written(connection, change),
            self._apply,
        )

    def _written(self, connection: sa.Connection, change: Change) -> Change:
        inventory_rows.write(connection, change)
        if self._database.shared:
            inventory_log.append(connection, self._owner, change)
        return change

    def _apply(self, change: Change) -> None:
        if change.host is not None:
            self._hosts[change.host.facts.host_id] = change.host
            self._host_feed.changed([change.host.facts.host_id])
        placed = (*change.new, *change.changed, *change.fleeting)
        for each in placed:
            self._instances.place(each.facts, each.host_id)
        for each in change.gone:
            if self._instances.forget(each.facts.instance_id):
                self._absences.ended(each.facts.instance_id)
        touched = (*placed, *change.gone)
        self._instance_feed.changed(each.facts.instance_id for each in touched)

    def _news(self, connection: sa.Connection) -> News | None:
        return inventory_log.news(connection, self._owner, self._sequence, NEWS)

    def _follow(self, news: News) -> None:
        """Make memory what the tables say of these."""
        self._sequence = news.upto
        self._hosts.update(news.hosts)
        for instance in news.instances.values():
            self._instances.put(instance)
        for instance_id in news.gone:
            self._instances.drop(instance_id)
        self._host_feed.changed(news.hosts)
        self._instance_feed.changed((*news.instances, *news.gone))

    async def _sight(self, news: News) -> None:
        """Count what another replica wrote as told by the host that it wrote."""
        self._sightings.follow(news.instances.values(), news.gone, news.left, self._is_foreign)
        await self._write(self._change({instance_id for _, instance_id in news.left}))

    def _is_foreign(self, host_id: str) -> bool:
        return not self._liveness.reports_here(host_id)

    def _on_migration(self, migration: Migration, rehomed: bool) -> None:
        """Follow what the ledger has committed about an instance and its destination."""
        plan, ended = migration.plan, migration.state.ended
        held = self._reserved.setdefault(plan.dest_host_id, {})
        if ended:
            held.pop(migration.migration_id, None)
            self._unsettled.add(plan.instance_id)
        else:
            held[migration.migration_id] = migration.reserved_memory_bytes
        self._host_feed.changed([plan.dest_host_id])
        self._instance_feed.changed([plan.instance_id])
        known = self._instances.get(plan.instance_id)
        if known is None:
            return
        if rehomed:
            facts = replace(known.facts, host_id=plan.dest_host_id, current_operations=())
            self._sightings.rehome(facts, plan.source_host_id, plan.dest_host_id)
            known = replace(known, facts=facts, host_id=plan.dest_host_id)
        self._instances.put(
            replace(
                known,
                task_state="" if ended else schema.MIGRATING,
                migration_id="" if ended else migration.migration_id,
            )
        )
