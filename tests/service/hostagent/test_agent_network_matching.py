"""Between pools a guest's network is found by name or by bridge, as the destination's agent is set.

The check and the move use one rule, so a guest arrives where the check said.
"""

from dataclasses import replace

import grpc
import pytest

from tests.service.hostagent.course import Course, operator, tripping
from tests.service.hostagent.crossing import PATIENCE, Yard
from tests.service.hostagent.pool import (
    ARRIVED,
    DEADLINE_S,
    Following,
    answer,
    errors,
    running_agent,
)
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.hostagent.v1 import checks_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTING = "migration.network_matching"


async def the_networks(course: Course, name: str) -> set[str]:
    """Return the uuids of f1's networks of a name."""
    told = (await course.agent("f1")).host.networks
    return {network.network_id for network in told if network.name == name}


def of_networks(findings: list[finding_pb2.Finding]) -> list[finding_pb2.Finding]:
    """Return the findings on networks of the guest."""
    return [one for one in findings if one.reason == reason_pb2.REASON_NETWORK_NOT_AVAILABLE]


@pytest.mark.parametrize(
    ("guest", "by", "network"),
    [
        ("fit", "name", "lan"),
        ("fit", "bridge", "lan"),
        ("bridged", "bridge", "production"),
        ("torn", "bridge", "split"),
    ],
)
async def test_the_only_network_of_that_name_or_bridge_is_the_guests(
    course: Course, guest: str, by: str, network: str
) -> None:
    there = await course.at_dest(guest, "f1", network_matching=by)

    (found,) = of_networks(there.findings)
    assert found.severity == finding_pb2.SEVERITY_OK
    assert found.measured["network_matching"] == by
    assert found.measured["dest_network_id"] in await the_networks(course, network)
    assert not errors(there.findings)


@pytest.mark.parametrize(
    ("guest", "by", "matching", "candidates", "hint"),
    [
        ("stray", "name", 0, [], False),
        ("stray", "bridge", 0, [], False),
        ("bridged", "name", 0, ["production"], True),
        ("torn", "name", 2, ["split"], True),
        ("raised", "name", 0, ["east", "west"], False),
        ("raised", "bridge", 2, ["east", "west"], False),
    ],
)
async def test_none_and_more_than_one_are_refused_with_what_there_is_instead(
    course: Course, guest: str, by: str, matching: int, candidates: list[str], hint: bool
) -> None:
    there = await course.at_dest(guest, "f1", network_matching=by)

    found = tripping(there.findings)
    assert found.reason == reason_pb2.REASON_NETWORK_NOT_AVAILABLE
    assert found.measured["matching"] == str(matching)
    named = {one for name in candidates for one in await the_networks(course, name)}
    assert set(filter(None, found.measured["candidates"].split(", "))) == named
    assert all(name in found.message for name in candidates)
    assert SETTING in found.remedy
    other = {"name": "bridge", "bridge": "name"}[by]
    assert (f'set {SETTING} = "{other}"' in found.remedy) is hint


async def test_inside_a_pool_the_very_network_counts_whatever_the_setting(course: Course) -> None:
    networks = operator(course.simulator).network
    (prod,) = networks.get_by_name_label("prod")

    for by in ("name", "bridge"):
        there = await course.at_dest("bridged", "good", network_matching=by)

        (found,) = of_networks(there.findings)
        assert found.severity == finding_pb2.SEVERITY_OK
        assert found.measured["network_id"] == networks.get_uuid(prod)
        assert "network_matching" not in found.measured


async def told_by(yard: Yard, by: str) -> checks_pb2.DestCheckData:
    """Return what an agent of f1 with that setting tells the source."""
    trip = yard.across("backed-2")
    settings = replace(PATIENCE, network_matching=by)
    async with running_agent(yard.simulator, "f1", settings) as far:
        (_, told) = await trip.at(yard=yard.with_agents(yard.source, far), dest=far).check()
    data: checks_pb2.DestCheckData = told.dest_check_data
    return data


async def test_a_guest_arrives_on_the_network_that_the_destinations_setting_names(
    yard: Yard,
) -> None:
    trip = yard.across("backed-2")
    by_name, by_bridge = [await told_by(yard, by) for by in ("name", "bridge")]
    request = trip.order((await trip.prepare()).receive_ticket)
    move = yard.source.stub.LiveMigration

    request.dest_check_data.CopyFrom(by_name)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await Following(move(request, timeout=DEADLINE_S)).last()
    refused = answer(failed).find(finding_pb2.Findings)
    assert refused is not None
    assert "vault (xenbr9)" in tripping(refused.findings).message
    assert trip.where() == ["n1"]

    request.dest_check_data.CopyFrom(by_bridge)
    request.receive_ticket.CopyFrom((await trip.prepare()).receive_ticket)
    assert (await Following(move(request, timeout=DEADLINE_S)).last()).outcome == ARRIVED
    await trip.finish()

    api = yard.far_pool.api
    arrived = yard.far_pool.vm(trip.guest.uuid)
    assert arrived is not None
    names = [api.network.get_name_label(api.VIF.get_network(vif)) for vif in arrived["VIFs"]]
    assert sorted(names) == ["lan", "vault"]
    assert trip.residue() == set()
