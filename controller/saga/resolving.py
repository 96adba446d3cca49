"""Settling a STUCK migration by an operator's word, as far as XAPI does not show the contrary."""

from controller.model.migration import (
    CleanupAction,
    CleanupItem,
    Migration,
    MigrationState,
    Resolution,
    Whereabouts,
)
from controller.ports.agents import MoveAgents
from controller.ports.ledger import Advance, Ledger
from controller.saga import changes, journal, looking, settle
from controller.saga.interventions import Contradicted, NotStuck
from controller.saga.settle import Verdict, View
from controller.saga.tables import TABLES

_ASKED = {
    Resolution.ROLL_FORWARD: Verdict.CROSSED,
    Resolution.ROLL_BACK: Verdict.NOT_CROSSED,
}


class Resolver:
    """Takes decisions, and refuses those that XAPI contradicts."""

    def __init__(self, ledger: Ledger, agents: MoveAgents) -> None:
        self._ledger = ledger
        self._agents = agents

    async def resolve(self, migration_id: str, asked: Resolution, reason: str) -> Migration:
        """Write the decision and return the migration; the same one again changes nothing.

        Raises NotStuck, Contradicted and MigrationUnknown.
        """
        known = await self._ledger.load(migration_id)
        if known.resolution is asked:
            return known
        _check_stuck(known)
        order = looking.order_of(known)
        view = await looking.look(self._agents, order)

        def decide(newest: Migration) -> Advance | None:
            if newest.resolution is asked:
                return None
            _check_stuck(newest)
            _check_reality(newest, asked, view)
            decided = Advance(resolution=asked, resolution_reason=reason)
            if asked is not Resolution.ADOPT_REALITY:
                return decided
            return changes.merge(decided, _adopted(newest, view))

        return await self._ledger.intervene(migration_id, decide)


def verdict(migration: Migration, view: View) -> Verdict | None:
    """Return what an operator's decision makes of an open question; None where it decides nothing.

    A decision that XAPI has come to contradict decides nothing any more.
    """
    asked = migration.resolution
    if asked not in _ASKED or _objection(migration, asked, view):
        return None
    return _ASKED[asked]


def _check_stuck(migration: Migration) -> None:
    if migration.state is not MigrationState.STUCK:
        raise NotStuck(migration)


def _check_reality(migration: Migration, asked: Resolution, view: View) -> None:
    objection = _objection(migration, asked, view)
    if objection:
        raise Contradicted(migration, objection)


def _objection(migration: Migration, asked: Resolution, view: View) -> str:
    """Return why a decision can't be carried out, empty where it can."""
    if asked is Resolution.ADOPT_REALITY:
        return _unseen(migration, view)
    table, rows = TABLES[migration.plan.kind], migration.journal
    crossed, turned = journal.done(rows, table.pivot.name), journal.turned_back(rows, table)
    if not crossed and not turned:
        return _shown(migration, asked, view)
    name, plan = migration.plan.instance_name, migration.plan
    if crossed and asked is Resolution.ROLL_BACK:
        return f"{name} has arrived at {plan.dest_host_name}: there is only forward from here"
    if turned and asked is Resolution.ROLL_FORWARD:
        return f"{name} stayed at {plan.source_host_name}: there is only back from here"
    return ""


def _shown(migration: Migration, asked: Resolution, view: View) -> str:
    """Return what XAPI shows to the contrary of a decision about where the guest is."""
    name, plan = migration.plan.instance_name, migration.plan
    order = looking.order_of(migration)
    if settle.in_flight(view):
        return f"XAPI is still moving {name}"
    if asked is Resolution.ROLL_FORWARD and settle.at_source(view, order):
        return f"XAPI shows {name} running on {plan.source_host_name}"
    if asked is Resolution.ROLL_BACK and settle.at_dest(view, order):
        return f"XAPI shows {name} running on {plan.dest_host_name}"
    if asked is Resolution.ROLL_BACK and view.source is not None and not view.source.present:
        return f"the pool of {plan.source_host_name} has no {name} any more"
    return ""


def _unseen(migration: Migration, view: View) -> str:
    """Return why there is no reality to adopt."""
    name, plan = migration.plan.instance_name, migration.plan
    where = settle.whereabouts(view, looking.order_of(migration))
    if settle.in_flight(view):
        return f"XAPI is still moving {name}"
    if where is Whereabouts.BOTH:
        hosts = f"{plan.source_host_name} and on {plan.dest_host_name}"
        return f"XAPI shows {name} running on {hosts}: one of the two has to be shut down first"
    if where is Whereabouts.UNKNOWN and not view.complete:
        return f"a side does not answer, so where {name} runs can't be seen"
    return ""


def _adopted(migration: Migration, view: View) -> Advance:
    """Return the end that says what XAPI shows; what is left is itemised, not removed."""
    table = TABLES[migration.plan.kind]
    where = settle.whereabouts(view, looking.order_of(migration))
    crossed = journal.done(migration.journal, table.pivot.name)
    arrived = crossed or where is Whereabouts.DEST
    left = [
        CleanupItem(residue, CleanupAction.KEPT, "left where it is by an operator's decision")
        for side in view.answers
        for residue in side.residue
    ]
    return Advance(
        state=MigrationState.SUCCEEDED if arrived else MigrationState.ROLLED_BACK,
        whereabouts=where,
        cleanup=changes.renewed(migration.cleanup, left),
        rehome=arrived and not crossed,
        close=True,
    )
