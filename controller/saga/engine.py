"""Carries one migration to its end, from wherever its journal says it is.

Going on after a crash is the same walk: what is DONE is skipped, what is STARTED is done again,
and a pivot that is STARTED is settled first.
"""

from controller.saga import back, finish, journal, metrics, pivot, prepare
from controller.saga.outcomes import Crossed, TurnedBack
from controller.saga.run import Run


async def carry(run: Run) -> None:
    """Drive the migration until it has ended.

    Raises Fenced or ClaimLost, with nothing done after, when another process drives it.
    """
    if run.migration.state.ended:
        return
    metrics.OPEN.labels(run.migration.state.value).inc()
    try:
        outcome = await _cross(run)
        if isinstance(outcome, Crossed):
            await finish.finish(run, outcome)
        else:
            await back.turn_back(run, outcome)
    finally:
        metrics.OPEN.labels(run.migration.state.value).dec()


async def _cross(run: Run) -> Crossed | TurnedBack:
    rows = run.migration.journal
    if journal.done(rows, run.table.pivot.name):
        return Crossed()
    if journal.turned_back(rows, run.table):
        return TurnedBack()
    prepared = await prepare.prepare(run)
    if isinstance(prepared, TurnedBack):
        return prepared
    return await pivot.cross(run, prepared)
