"""What stands against a join or an ejection is told with all findings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from ferryctl import exits, main
from tests.support import aggregate_world, fake_dom0
from tests.support.aggregate_world import SUCCEEDED, Aggregates, a_uuid, reasons
from xenferry.common.v1 import inventory_pb2
from xenferry.controller.v1 import aggregates_pb2

ADOPT = aggregates_pb2.DRIFT_SETTLEMENT_ADOPT
MEND = aggregates_pb2.DRIFT_SETTLEMENT_MEND


@pytest_asyncio.fixture
async def rack(tmp_path: Path) -> AsyncIterator[Aggregates]:
    """Return the service of a controller that hears three hosts, of a pool each."""
    async with aggregate_world.a_ring(tmp_path) as ring, ring.service() as service:
        yield service


@pytest.fixture
def short_lived(tmp_path: Path) -> Any:
    """Return a ring whose hosts are dead half a second after their last heartbeat."""
    return aggregate_world.a_ring(tmp_path, alive_after_s=0.5)


async def test_a_join_is_refused_with_all_that_both_sides_find(rack: Aggregates) -> None:
    await rack.added("xs1")
    rack.ring.agents["xs2"].obstacles = [
        fake_dom0.finding("HOST_HAS_INSTANCES", "host/xs2"),
        fake_dom0.finding("JOINER_HAS_SHARED_STORAGE", "host/xs2"),
    ]
    rack.ring.agents["xs1"].pool_obstacles = [
        fake_dom0.finding("HIGH_AVAILABILITY", "pool/rack"),
        fake_dom0.finding("POOL_CREDENTIALS_REFUSED", "host/xs2", "SESSION_AUTHENTICATION_FAILED"),
    ]

    answer = await rack.refused("AddHost", aggregate="rack", host="xs2")

    assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
    assert reasons(answer) == {
        "HOST_HAS_INSTANCES",
        "JOINER_HAS_SHARED_STORAGE",
        "HIGH_AVAILABILITY",
        "POOL_CREDENTIALS_REFUSED",
    }
    assert [host.host_name for host in (await rack.get()).hosts] == ["xs1"]


async def test_a_member_is_not_the_first_host_of_an_aggregate(rack: Aggregates) -> None:
    member = rack.ring.agents["xs2"]
    member.belong_to(rack.ring.agents["xs1"])
    await rack.register(member)
    await rack.ask("CreateAggregate", name="rack")

    answer = await rack.refused("AddHost", aggregate="rack", host="xs2")

    assert reasons(answer) == {"NOT_COORDINATOR"}


async def test_an_ejection_is_refused_with_all_that_stands_against_it(rack: Aggregates) -> None:
    await rack.added("xs1", "xs2")
    coordinator, member = rack.ring.agents["xs1"], rack.ring.agents["xs2"]
    member.guest("web-1")
    halted = member.guest("db-1", disk_bytes=1)
    halted.power_state = inventory_pb2.POWER_STATE_HALTED
    halted.disks[0].sr_id = a_uuid()
    member.host.storage_repositories.add(sr_id=halted.disks[0].sr_id, name="Local storage")
    coordinator.host.ha_enabled = member.host.ha_enabled = True
    await rack.register(member)
    await rack.register(coordinator)

    of_member = await rack.refused("RemoveHost", aggregate="rack", host="xs2")
    of_coordinator = await rack.refused("RemoveHost", aggregate="rack", host="xs1")

    assert reasons(of_member) == {"HOST_HAS_INSTANCES", "HIGH_AVAILABILITY", "WIPE_NOT_CONFIRMED"}
    assert "disks of 1 instance go with it: db-1" in of_member.message
    assert reasons(of_coordinator) == {
        "COORDINATOR_CANNOT_LEAVE",
        "HIGH_AVAILABILITY",
        "WIPE_NOT_CONFIRMED",
    }
    assert coordinator.calls["LeavePool"] == 0


async def test_a_host_that_was_ejected_counts_no_more(short_lived: Any) -> None:
    async with short_lived as ring, ring.service() as rack:
        await rack.added("xs1", "xs2")
        leaving = await rack.ask("RemoveHost", aggregate="rack", host="xs2", confirm_wipe=True)
        ring.silent.add("xs2")
        assert (await rack.ended(leaving)).phase == SUCCEEDED

        adopted = await rack.ask("SettleDrift", aggregate="rack", settlement=ADOPT)
        last = await rack.ask("RemoveHost", aggregate="rack", host="xs1")

        assert [host.host_name for host in adopted.hosts] == ["xs1"]
        assert (await rack.ended(last)).phase == SUCCEEDED
        await rack.ask("DeleteAggregate", aggregate="rack")


async def test_nobody_joins_a_pool_whose_coordinator_is_dead(short_lived: Any) -> None:
    async with short_lived as ring, ring.service() as rack:
        await rack.added("xs1")
        ring.silent.add("xs1")
        await rack.shows(lambda known: not known.hosts[0].alive)

        joining = await rack.refused("AddHost", aggregate="rack", host="xs2")
        settling = await rack.refused("SettleDrift", aggregate="rack", settlement=MEND)

        assert reasons(joining) == reasons(settling) == {"DEST_NOT_ALIVE"}


async def test_a_wanted_host_whose_agent_died_stays_wanted(short_lived: Any) -> None:
    async with short_lived as ring, ring.service() as rack:
        await rack.added("xs1", "xs2")
        ring.silent.add("xs2")

        known = await rack.shows(lambda known: not all(host.alive for host in known.hosts))

        assert [(h.host_name, h.wanted, h.in_pool, h.alive) for h in known.hosts] == [
            ("xs1", True, True, True),
            ("xs2", True, True, False),
        ]


async def test_ferryctl_says_how_to_see_the_checks_that_passed(
    rack: Aggregates, capfd: pytest.CaptureFixture[str]
) -> None:
    await rack.added("xs1")
    rack.ring.agents["xs2"].obstacles = [fake_dom0.finding("HOST_HAS_INSTANCES", "host/xs2")]
    line = ["--controller", rack.controller.address, "aggregate", "add-host", "rack", "xs2"]

    refused = await asyncio.to_thread(main.run, line)
    brief = capfd.readouterr().err
    validated = await asyncio.to_thread(main.run, [*line, "--validate-only"])
    whole = capfd.readouterr().err

    assert refused == validated == exits.REFUSED
    assert "`--validate-only` shows all" in brief
    assert "shows all" not in whole
    assert len(whole.splitlines()) > len(brief.splitlines())


async def test_an_operation_is_told_in_words_that_say_something_new(rack: Aggregates) -> None:
    await rack.added("xs1")

    (added,) = [await rack.ended(await rack.add("xs2"))]

    for row in added.journal:
        assert not row.note.lower().startswith(row.phase.lower().replace("_", " "))
