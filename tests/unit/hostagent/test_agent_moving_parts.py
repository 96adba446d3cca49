"""Progress, fences, verdicts: what an operation is made of."""

import pytest

from hostagent.model.errors import StaleEpoch
from hostagent.model.finding import Reason, Severity, passed, refused
from hostagent.model.move import Fence, Phase, Report, Sizes
from hostagent.operations import marks, progress, verdict
from hostagent.operations.fences import Fences
from tests.unit.hostagent.records import a_task

MIGRATION = "5e0a5c46-1b0a-4b0e-b9a8-0f6f0a7e3c11"

# As recorded on xapi 26.17: progress falls back while the guest is switched over.
RECORDED = [
    a_task(progress=0.0),
    a_task(progress=0.06, cancellable=True),
    a_task(progress=0.85, cancellable=True),
    a_task(progress=0.85, cancellable=False),
    a_task(progress=1.0),
    a_task(progress=0.43),
    a_task(progress=0.86),
    a_task(progress=1.0, status="success"),
]


def test_percent_never_falls_and_phases_never_go_back() -> None:
    report, seen = Report(), []
    for task in RECORDED:
        report = progress.advance(report, task, Sizes(memory=1 << 30))
        seen.append(report)

    assert [one.percent for one in seen] == sorted(one.percent for one in seen)
    assert [one.phase for one in seen] == [
        Phase.PREPARING,
        Phase.MEMORY,
        Phase.MEMORY,
        Phase.SWITCHING,
        Phase.SWITCHING,
        Phase.SWITCHING,
        Phase.SWITCHING,
        Phase.SWITCHING,
    ]
    assert seen[-1].percent < 100


def test_the_highest_epoch_seen_is_the_lowest_that_is_admitted() -> None:
    fences = Fences()
    fences.admit(Fence(MIGRATION, 3))
    fences.admit(Fence(MIGRATION, 3))

    with pytest.raises(StaleEpoch):
        fences.admit(Fence(MIGRATION, 2))
    fences.admit(Fence("another", 1))


def test_the_epoch_that_is_written_on_the_vm_counts() -> None:
    fences = Fences()
    written = {marks.MIGRATION: MIGRATION, marks.EPOCH: "5"}

    with pytest.raises(StaleEpoch):
        fences.admit_at(Fence(MIGRATION, 4), written)
    fences.admit_at(Fence(MIGRATION, 5), written)
    fences.admit_at(Fence("another", 1), written)


@pytest.mark.parametrize("epoch", [{}, {marks.EPOCH: "later"}])
def test_a_mark_without_an_epoch_is_of_epoch_0(epoch: dict[str, str]) -> None:
    assert marks.fence_of({marks.MIGRATION: MIGRATION, **epoch}) == Fence(MIGRATION, 0)


GOOD = passed(Reason.DEST_DISABLED, "host/xs2", "xs2 is enabled")
NO_ROOM = refused(Reason.INSUFFICIENT_MEMORY, "host/xs2", "xs2 is full", "choose another")
TOO_LITTLE = ("HOST_NOT_ENOUGH_FREE_MEMORY", "5", "1")


def test_what_xapi_confirms_gets_its_error_and_no_double() -> None:
    merged = verdict.merge("instance/web-1", [GOOD, NO_ROOM], TOO_LITTLE)

    assert len(merged) == 2
    assert merged[1].xapi_error == TOO_LITTLE


def test_what_only_xapi_sees_is_added() -> None:
    merged = verdict.merge("instance/web-1", [GOOD], ("A_CODE_OF_TOMORROW", "OpaqueRef:x"))

    assert merged[1].reason is Reason.XAPI_REFUSED
    assert merged[1].severity is Severity.ERROR
    assert merged[1].xapi_error[0] == "A_CODE_OF_TOMORROW"


def test_what_xapi_contradicts_stays_refused_with_a_warning() -> None:
    merged = verdict.merge("instance/web-1", [GOOD, NO_ROOM], ())

    assert [finding.severity for finding in merged] == [
        Severity.OK,
        Severity.ERROR,
        Severity.WARNING,
    ]


def test_what_xapi_does_not_look_at_is_not_contradicted() -> None:
    block = refused(Reason.BLOCK_MIGRATION_UNSUPPORTED, "instance/web-1", "no", "none")

    assert verdict.merge("instance/web-1", [GOOD, block], ()) == (GOOD, block)
