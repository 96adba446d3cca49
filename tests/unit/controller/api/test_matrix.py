"""A matrix of checks: every cell in its place, and no agent asked more than others meanwhile."""

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from controller.api import matrix
from controller.model.findings import Severity
from controller.model.inventory import Instance
from controller.model.migration import MigrationRequest
from controller.planning.planner import Planner
from controller.ports.agents import CheckOrder, DestCheck
from tests.support.planning_world import (
    Held,
    Oracle,
    Settled,
    Shelf,
    StillClock,
    a_host,
    an_instance,
)


def an_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def a_guest(number: int, hosts: int) -> Instance:
    facts = an_instance().facts
    home = an_id(number % hosts)
    return Instance(replace(facts, instance_id=an_id(1_000 + number), host_id=home))


@dataclass
class Listening(Oracle):
    """Agents that remember which moves they were asked about, in the order of the questions."""

    moves: list[tuple[str, str]] = field(default_factory=list)

    async def check_dest(self, order: CheckOrder) -> DestCheck:
        self.moves.append((order.source.host_id, order.dest.host_id))
        return await super().check_dest(order)


def a_matrix(instances: int, hosts: int) -> tuple[Planner, Listening, list[MigrationRequest]]:
    guests = [a_guest(number, hosts) for number in range(instances)]
    known = [a_host(an_id(number), f"xs{number}") for number in range(hosts)]
    agents = Listening()
    shelf = Shelf({guest.facts.instance_id: guest for guest in guests}, known)
    wanted = [
        MigrationRequest(guest.facts.instance_id, host.host_id)
        for guest in guests
        for host in known
    ]
    return Planner(shelf, agents, StillClock(), Held(), Settled()), agents, wanted


@pytest.mark.parametrize(("instances", "hosts"), [(1, 1), (1, 5), (5, 1), (3, 4), (4, 3), (40, 30)])
async def test_every_cell_of_a_matrix_is_answered_in_its_place(instances: int, hosts: int) -> None:
    planner, _, wanted = a_matrix(instances, hosts)

    cells = await matrix.check(planner, wanted, instances)

    asked = [(request.instance_id, request.dest) for request in wanted]
    assert [(cell.instance_id, cell.dest_host_id) for cell in cells] == asked


async def test_questions_that_are_asked_together_go_to_different_agents() -> None:
    planner, agents, wanted = a_matrix(20, 20)

    await matrix.check(planner, wanted, 20)

    together = agents.moves[: matrix.AT_ONCE]
    for asked in (Counter(source for source, _ in together), Counter(dest for _, dest in together)):
        assert max(asked.values()) <= matrix.AT_ONCE / 20 + 2


@pytest.mark.parametrize(("side", "told"), [(31, True), (32, False)])
async def test_a_large_matrix_comes_without_what_passed(side: int, told: bool) -> None:
    planner, _, wanted = a_matrix(side, side)

    cells = await matrix.check(planner, wanted, side)

    passes = [one for cell in cells for one in cell.findings if one.severity is Severity.OK]
    assert bool(passes) is told
