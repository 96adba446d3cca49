"""How far a move is, read from XAPI's task.

Recorded on xapi 26.17: progress reaches 1.0 at the end of the memory copy, falls back while the
guest is switched over, and reaches 1.0 again, all while the task is pending. With disks it first
goes from 0 to 1 for these, and then begins again for the memory (XAPI A11). XAPI tells no bytes:
they are its fraction of what there is to send.
"""

from dataclasses import dataclass, replace

from hostagent.model.move import Phase, Report, Sizes
from hostagent.model.records import TaskRecord

# The rest is for the switch, of which XAPI's figure tells nothing.
SENT_SHARE = 95.0
BEGUN = 0.01
# How far the figure falls when the memory begins; it does not fall while disks are copied.
FALL = 0.1


@dataclass(frozen=True, slots=True)
class _Span:
    """Which part of the whole percentage a phase has, and its bytes."""

    start: float
    share: float
    size: int


def advance(report: Report, task: TaskRecord, sizes: Sizes) -> Report:
    """Return the next report: percent never falls, phases never go back."""
    phase = _phase(report, task, sizes)
    spans = _spans(sizes)
    fraction = min(task.progress, 1.0)
    within = round(100 * fraction, 1)
    if phase is report.phase:
        within = max(within, report.phase_percent)
    span = spans[phase]
    return replace(
        report,
        phase=phase,
        percent=max(report.percent, round(span.start + span.share * within / 100, 1)),
        cancellable=task.cancellable,
        task_id=task.uuid,
        phase_percent=within if span.size else 0.0,
        bytes_done=int(span.size * within / 100),
        bytes_total=span.size,
    )


def _spans(sizes: Sizes) -> dict[Phase, _Span]:
    disks = SENT_SHARE * sizes.disks / max(1, sizes.disks + sizes.memory)
    return {
        Phase.PREPARING: _Span(0.0, 0.0, 0),
        Phase.DISKS: _Span(0.0, disks, sizes.disks),
        Phase.MEMORY: _Span(disks, SENT_SHARE - disks, sizes.memory),
        Phase.SWITCHING: _Span(SENT_SHARE, 0.0, 0),
    }


def _phase(report: Report, task: TaskRecord, sizes: Sizes) -> Phase:
    if report.phase is Phase.SWITCHING or task.ended:
        return Phase.SWITCHING
    if report.phase is Phase.DISKS:
        return _after_disks(report, task)
    if report.phase is Phase.PREPARING and sizes.disks:
        return Phase.DISKS if task.progress > BEGUN else Phase.PREPARING
    if task.progress >= 1.0:
        return Phase.SWITCHING
    if report.phase is Phase.MEMORY:
        # XAPI A10: the task can't be cancelled once the guest is asked to suspend.
        return Phase.MEMORY if task.cancellable else Phase.SWITCHING
    return Phase.MEMORY if task.progress > BEGUN else Phase.PREPARING


def _after_disks(report: Report, task: TaskRecord) -> Phase:
    if report.cancellable and not task.cancellable:
        return Phase.SWITCHING
    fell = report.phase_percent / 100 - task.progress > FALL
    return Phase.MEMORY if fell else Phase.DISKS
