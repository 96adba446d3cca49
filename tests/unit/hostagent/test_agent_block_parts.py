"""The parts of a block migration: phases, verdicts across pools, endings, the book, the ticket."""

import pytest

from hostagent.model.errors import MigrationEnded, MoveRefused
from hostagent.model.move import Fence, Outcome, Phase, Report, Sizes
from hostagent.model.records import TaskRecord
from hostagent.operations import endings, fences, progress, situation
from hostagent.operations.block import luggage, ticket
from hostagent.operations.block.luggage import Inventory
from hostagent.operations.leases import book
from hostagent.operations.situation import Patience, Place
from tests.unit.hostagent.records import HERE, a_task, a_vm

MIGRATION = "5e0a5c46-1b0a-4b0e-b9a8-0f6f0a7e3c11"
FENCE = Fence(MIGRATION, 2)
PATIENCE = Patience(operations_s=10, doubt_s=15)
SIZES = Sizes(disks=300, memory=100)

# XAPI A11: the figure goes from 0 to 1 for the disks, then begins again for the memory.
SENT = [
    a_task(progress=0.0),
    a_task(progress=0.4, cancellable=True),
    a_task(progress=1.0, cancellable=True),
    a_task(progress=0.05, cancellable=True),
    a_task(progress=0.85, cancellable=True),
    a_task(progress=0.85, cancellable=False),
    a_task(progress=1.0),
    a_task(progress=1.0, status="success"),
]


def test_disks_and_memory_have_their_own_share_of_the_percentage() -> None:
    report, seen = Report(), []
    for task in SENT:
        report = progress.advance(report, task, SIZES)
        seen.append((report.phase, report.percent, report.bytes_done, report.bytes_total))

    assert seen == [
        (Phase.PREPARING, 0.0, 0, 0),
        (Phase.DISKS, 28.5, 120, 300),
        (Phase.DISKS, 71.2, 300, 300),
        (Phase.MEMORY, 72.4, 5, 100),
        (Phase.MEMORY, 91.4, 85, 100),
        (Phase.SWITCHING, 95.0, 0, 0),
        (Phase.SWITCHING, 95.0, 0, 0),
        (Phase.SWITCHING, 95.0, 0, 0),
    ]


UNTRANSLATED = "Xenops_interface.Xenopsd_error([S(Internal_error);S(Failure)])"
NO_MEMORY = "Xenops_interface.Xenopsd_error([S(Cannot_free_this_much_memory);[I(8);I(4)]])"


def failed(*error: str, status: str = "failure") -> TaskRecord:
    """Return a task that ended so."""
    return a_task(status=status, error_info=error)


@pytest.mark.parametrize(
    ("place", "task", "waited_s", "expected"),
    [
        (Place.GONE, a_task(status="success"), 0, Outcome.ARRIVED),
        (Place.GONE, None, 0, Outcome.UNKNOWN),
        (Place.GONE, failed("INTERNAL_ERROR", UNTRANSLATED), 0, Outcome.UNKNOWN),
        (Place.SOURCE, failed(status="cancelled"), 0, Outcome.STAYED),
        (Place.SOURCE, failed("MIRROR_FAILED", "OpaqueRef:x"), 0, Outcome.STAYED),
        (Place.SOURCE, failed("INTERNAL_ERROR", NO_MEMORY), 0, Outcome.STAYED),
        (Place.SOURCE, failed("INTERNAL_ERROR", UNTRANSLATED), 0, None),
        (Place.SOURCE, failed("INTERNAL_ERROR", UNTRANSLATED), 99, Outcome.UNKNOWN),
        (Place.SOURCE, a_task(status="success"), 99, Outcome.UNKNOWN),
        (Place.SOURCE, None, 99, Outcome.UNKNOWN),
        (Place.NOWHERE, failed("MIRROR_FAILED", "OpaqueRef:x"), 0, Outcome.UNKNOWN),
    ],
)
def test_across_pools_the_source_alone_believes_little(
    place: Place, task: TaskRecord | None, waited_s: float, expected: Outcome | None
) -> None:
    assert situation.judged(place, task, waited_s, PATIENCE, across=True) is expected


def test_a_record_that_is_gone_has_gone_to_the_other_pool_if_it_was_to_go_there() -> None:
    assert situation.after(None, HERE, "") is Place.GONE
    assert situation.after(None, HERE, "OpaqueRef:there") is Place.NOWHERE
    assert situation.after(a_vm(power_state="Halted", resident_on=""), HERE, "") is Place.NOWHERE


def test_an_object_remembers_the_newest_endings() -> None:
    config: dict[str, str] = {"other": "key"}
    for number in range(12):
        change = endings.change(config, Fence(f"m-{number}", number), most=8)
        config.update(change.added)
        for key in change.dropped:
            del config[key]

    kept = {number for number in range(12) if endings.epoch_of(config, f"m-{number}") == number}
    assert kept == set(range(4, 12))
    assert config["other"] == "key"
    assert not endings.change(config, Fence("m-11", 99), most=8).added


def test_what_has_ended_is_refused_and_its_epoch_remembered() -> None:
    config = dict(endings.change({}, FENCE, most=8).added)

    with pytest.raises(MigrationEnded):
        fences.refuse_ended(Fence(MIGRATION, 9), config)
    fences.refuse_ended(Fence("another", 1), config)


@pytest.mark.parametrize(
    "entry",
    [
        book.Entry(3, "0a7ddf0c-5fb0-4a43-8a38-6a1e2ef5bbd9", across=True, disks=("a", "b")),
        book.Entry(0, "0a7ddf0c-5fb0-4a43-8a38-6a1e2ef5bbd9", across=False),
    ],
)
def test_the_book_reads_what_it_wrote(entry: book.Entry) -> None:
    assert book.entry_of({f"{book.PREFIX}{MIGRATION}": entry.text()}, MIGRATION) == entry


@pytest.mark.parametrize("text", ["", "soon", "x y z", "3 vm"])
def test_the_book_takes_nothing_else_for_an_entry(text: str) -> None:
    assert book.entry_of({f"{book.PREFIX}{MIGRATION}": text}, MIGRATION) is None


def test_what_a_vm_left_with_is_read_as_it_was_written() -> None:
    left = Inventory(disks=2, interfaces=1, tools=True)

    assert luggage.parsed(left.text()) == left
    assert luggage.parsed("") is None
    assert luggage.parsed("disks=two interfaces=1 tools=1") is None


def test_references_travel_beside_the_ticket_and_never_reach_xapi() -> None:
    told = ticket.read({"session_id": "s", "xenferry:sr:u": "r", "xenferry:network:n": "q"}, "vm")

    assert told.xapi == {"session_id": "s"}
    assert (told.srs, told.networks) == ({"u": "r"}, {"n": "q"})
    assert "'s'" not in repr(told)
    with pytest.raises(MoveRefused):
        ticket.read({"xenferry:sr:u": "r"}, "vm")
