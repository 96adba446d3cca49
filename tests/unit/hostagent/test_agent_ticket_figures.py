"""How many receive tickets an agent has open is told, whichever way they end."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from hostagent.operations.block import tickets
from hostagent.operations.block.tickets import Tickets


def told() -> float:
    """Return how many tickets are told to be open."""
    return REGISTRY.get_sample_value("xenferry_receive_tickets_open") or 0.0


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (lambda known: known.take("one"), 1),
        (lambda known: known.take("one", ["of-another-agent"]), 1),
        (lambda known: known.take("unknown", ["of-another-agent"]), 3),
        (lambda known: known.drop("one", "first"), 2),
        (lambda known: known.drop("two", "third"), 2),
        (lambda known: known.drop("one", "unknown"), 3),
    ],
)
def test_a_ticket_is_counted_until_it_ends(end: Callable[[Tickets], object], left: int) -> None:
    before, known = told(), Tickets()
    for migration, session in (("one", "first"), ("one", "second"), ("two", "third")):
        known.keep(migration, session)
    assert told() - before == 3

    end(known)

    assert told() - before == left == len(known.open())


def test_of_too_many_the_oldest_count_no_more() -> None:
    before, known = told(), Tickets()

    for number in range(tickets.REMEMBERED + 2):
        known.keep(str(number), "session")

    assert told() - before == tickets.REMEMBERED
    assert known.open()[0] == ("2", "session")
