"""How far a move is, read from XAPI's task.

Recorded on xapi 26.17: progress reaches 1.0 at the end of the memory copy, falls back while the
guest is switched over, and reaches 1.0 again, all while the task is pending.
"""

from dataclasses import replace

from hostagent.model.move import Phase, Report
from hostagent.model.records import TaskRecord

# The rest is for the switch, of which XAPI's figure tells nothing.
MEMORY_SHARE = 95.0
BEGUN = 0.01


def advance(report: Report, task: TaskRecord) -> Report:
    """Return the next report: percent never falls, phases never go back."""
    return replace(
        report,
        phase=_phase(report, task),
        percent=max(report.percent, round(min(task.progress, 1.0) * MEMORY_SHARE, 1)),
        cancellable=task.cancellable,
        task_id=task.uuid,
    )


def _phase(report: Report, task: TaskRecord) -> Phase:
    if report.phase is Phase.SWITCHING or task.progress >= 1.0 or task.ended:
        return Phase.SWITCHING
    if report.phase is Phase.MEMORY:
        # XAPI A10: the task can't be cancelled once the guest is asked to suspend.
        return Phase.MEMORY if task.cancellable else Phase.SWITCHING
    return Phase.MEMORY if task.progress > BEGUN else Phase.PREPARING
