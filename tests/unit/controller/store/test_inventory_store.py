"""The inventory: what agents tell is kept, and no agent's word undoes what another has seen."""

from dataclasses import replace

from prometheus_client import REGISTRY

from controller.model.inventory import PowerState
from controller.model.migration import MigrationState
from controller.ports.ledger import Advance
from controller.store.absences import GONE_AFTER_S
from controller.store.settings import StoreSettings
from tests.support.ledger_conformance import claim_of
from tests.support.store_world import Store, a_plan, an_agent, open_store


def inventory_commits() -> float:
    return (
        REGISTRY.get_sample_value("xenferry_store_commits_total", {"purpose": "inventory"}) or 0.0
    )


async def test_host_and_instances_survive_a_restart_but_are_not_alive(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    guest = agent.runs()
    async with open_store(where) as store:
        await store.inventory.register(agent.registration(guest))
        host = await store.inventory.host(agent.host_id)
        assert host is not None
        assert host.alive

    async with open_store(where) as store:
        host = await store.inventory.host(agent.host_id)
        assert host is not None
        assert host.facts == agent.host
        assert not host.alive
        assert (await store.instance(guest.instance_id)).facts == guest
        assert store.inventory.agent_address(agent.host_id) == "127.0.0.1:1"


async def test_silent_host_is_no_longer_alive(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    async with open_store(where) as store:
        await store.inventory.register(agent.registration())
        store.clock.seconds += 10.1

        host = await store.inventory.host(agent.host_id)

        assert host is not None
        assert not host.alive
        assert await store.inventory.heartbeat(agent.delta(1))
        host = await store.inventory.host(agent.host_id)
        assert host is not None
        assert host.alive


async def test_empty_heartbeat_writes_nothing(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    guest = agent.runs()
    async with open_store(where) as store:
        await store.inventory.register(agent.registration(guest))
        before = inventory_commits()

        moving = replace(guest, current_operations=("pool_migrate",))
        assert await store.inventory.heartbeat(agent.delta(1))
        assert await store.inventory.heartbeat(agent.delta(2, changed=(moving,), host=agent.host))

        assert inventory_commits() == before
        told = await store.instance(guest.instance_id)
        assert told.facts.current_operations == ("pool_migrate",)


async def test_gap_or_strange_session_asks_to_register_again(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    async with open_store(where) as store:
        assert not await store.inventory.heartbeat(agent.delta(1))
        await store.inventory.register(agent.registration())

        assert await store.inventory.heartbeat(agent.delta(1))
        assert await store.inventory.heartbeat(agent.delta(1))
        assert not await store.inventory.heartbeat(agent.delta(3))
        assert not await store.inventory.heartbeat(replace(agent, session_id="x").delta(2))


async def test_registration_replaces_what_the_host_had(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    one, two = agent.runs("web-1"), agent.runs("web-2")
    async with open_store(where) as store:
        await store.inventory.register(agent.registration(one))

        await store.inventory.register(agent.registration(two))
        store.clock.seconds += GONE_AFTER_S
        await store.inventory.heartbeat(agent.delta(1))

        assert await store.inventory.instance(one.instance_id) is None
        assert await store.inventory.instance(two.instance_id) is not None


async def test_instance_moved_by_others_is_adopted_in_either_order(where: StoreSettings) -> None:
    old, new = an_agent("xs1"), an_agent("xs2")
    one, two = old.runs("web-1"), old.runs("web-2")
    async with open_store(where) as store:
        await store.inventory.register(old.registration(one, two))
        await store.inventory.register(new.registration())

        here = new.runs("web-1", one.instance_id)
        await store.inventory.heartbeat(new.delta(1, changed=(here,)))
        await store.inventory.heartbeat(old.delta(1, gone=(one.instance_id,)))
        await store.inventory.heartbeat(old.delta(2, gone=(two.instance_id,)))
        here = new.runs("web-2", two.instance_id)
        await store.inventory.heartbeat(new.delta(2, changed=(here,)))

        assert (await store.instance(one.instance_id)).host_id == new.host_id
        assert (await store.instance(two.instance_id)).host_id == new.host_id


async def test_halted_instance_keeps_the_host_that_tells_of_it(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    halted = replace(agent.runs(), host_id="", power_state=PowerState.HALTED)
    async with open_store(where) as store:
        await store.inventory.register(agent.registration(halted))

        instance = await store.instance(halted.instance_id)

        assert (instance.host_id, instance.facts.host_id) == (agent.host_id, "")


async def test_only_the_saga_moves_an_instance_that_is_being_migrated(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        migration = await store.admission.admit(a_plan(guest, source, dest), "me", "")

        arrived = dest.runs(instance_id=guest.instance_id)
        await store.inventory.heartbeat(dest.delta(1, changed=(arrived,)))
        await store.inventory.heartbeat(source.delta(1, gone=(guest.instance_id,)))
        assert (await store.instance(guest.instance_id)).host_id == source.host_id

        await store.ledger.advance(claim_of(migration, "me"), Advance(rehome=True))
        assert (await store.instance(guest.instance_id)).host_id == dest.host_id


async def test_a_guest_that_is_told_gone_before_it_is_told_there_stays_known(
    where: StoreSettings,
) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))

        await store.inventory.heartbeat(source.delta(1, gone=(guest.instance_id,)))
        between = await store.inventory.instance(guest.instance_id)
        arrived = replace(guest, host_id=dest.host_id)
        await store.inventory.heartbeat(dest.delta(1, changed=(arrived,)))

        assert between is not None
        assert (await store.instance(guest.instance_id)).host_id == dest.host_id


async def test_a_guest_that_nobody_tells_of_for_a_while_is_forgotten(where: StoreSettings) -> None:
    source = an_agent("xs1")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(source.registration(guest))
        await store.inventory.heartbeat(source.delta(1, gone=(guest.instance_id,)))

        following = store.inventory.follow_instances()
        store.clock.seconds += GONE_AFTER_S
        await store.inventory.heartbeat(source.delta(2))

        assert await store.inventory.instance(guest.instance_id) is None
        assert await following.next() == (guest.instance_id,)


async def test_silence_during_a_migration_does_not_count_as_absence(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        await store.inventory.heartbeat(source.delta(1, gone=(guest.instance_id,)))
        migration = await store.admission.admit(a_plan(guest, source, dest), "me", "")
        await store.inventory.heartbeat(dest.delta(1))
        store.clock.seconds += GONE_AFTER_S

        closed = Advance(state=MigrationState.ROLLED_BACK, close=True)
        await store.ledger.advance(claim_of(migration, "me"), closed)
        await store.inventory.heartbeat(dest.delta(2))

        assert await store.inventory.instance(guest.instance_id) is not None


async def test_instance_told_gone_by_both_stays_while_it_is_migrated(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        await store.admission.admit(a_plan(guest, source, dest), "me", "")

        await store.inventory.heartbeat(source.delta(1, gone=(guest.instance_id,)))

        assert (await store.instance(guest.instance_id)).task_state == "migrating"


async def migrated(store: Store) -> tuple[str, str, str]:
    """Return instance, source and dest after a migration of which no agent has told yet."""
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = source.runs()
    await store.inventory.register(dest.registration())
    await store.inventory.register(source.registration(guest))
    migration = await store.admission.admit(a_plan(guest, source, dest), "me", "")
    claim = claim_of(migration, "me")
    await store.ledger.advance(claim, Advance(rehome=True))
    await store.ledger.advance(claim, Advance(state=MigrationState.SUCCEEDED, close=True))

    await store.inventory.heartbeat(source.delta(1, changed=(guest,)))
    late = (await store.instance(guest.instance_id)).host_id
    await store.inventory.heartbeat(source.delta(2, gone=(guest.instance_id,)))
    return late, (await store.instance(guest.instance_id)).host_id, dest.host_id


async def test_a_guest_that_arrived_is_not_still_being_moved(where: StoreSettings) -> None:
    source, dest = an_agent("xs1"), an_agent("xs2")
    guest = replace(source.runs(), current_operations=("pool_migrate",))
    async with open_store(where) as store:
        await store.inventory.register(dest.registration())
        await store.inventory.register(source.registration(guest))
        migration = await store.admission.admit(a_plan(guest, source, dest), "me", "")

        await store.ledger.advance(claim_of(migration, "me"), Advance(rehome=True))

        assert (await store.instance(guest.instance_id)).facts.current_operations == ()


async def test_late_word_of_the_source_does_not_bring_a_guest_back(where: StoreSettings) -> None:
    async with open_store(where) as store:
        late, afterwards, dest = await migrated(store)

        assert (late, afterwards) == (dest, dest)


async def test_maintenance_survives_registration_and_restart(where: StoreSettings) -> None:
    agent = an_agent("xs1")
    async with open_store(where) as store:
        await store.inventory.register(agent.registration())
        await store.inventory.set_maintenance(agent.host_id, True, "disk")
        await store.inventory.register(agent.registration())

    async with open_store(where) as store:
        host = await store.inventory.host(agent.host_id)
        assert host is not None
        assert (host.maintenance, host.maintenance_reason) == (True, "disk")
