"""Asking both sides until the answer can be acted on.

While the answer is open nothing is done: no step, no undo, no second move. When it stays open too
long an operator is alerted, and asking goes on, because XAPI often finds the guest again by itself.
"""

from dataclasses import dataclass

from controller.model.findings import Finding, Reason, Severity
from controller.model.migration import Whereabouts
from controller.ports.ledger import Advance
from controller.saga import backoff, looking, metrics, resolving, settle
from controller.saga.run import Run
from controller.saga.settle import Verdict, View


@dataclass(frozen=True, slots=True)
class Claimed:
    """A verdict that is waited for to hold, and since when it does."""

    verdict: Verdict
    since_s: float


class Doubt:
    """How long the outcome of one move has been open; kept over several attempts to rejoin it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pauses = backoff.Backoff(run.settings.settle_first_s, run.settings.settle_cap_s)
        self._since_s = run.monotonic()
        self.view = View(None, None)

    def reset(self) -> None:
        """Note that the move was seen to go on."""
        self._since_s = self._run.monotonic()
        self._pauses.reset()

    async def pause(self) -> None:
        """Wait before the next question."""
        slow = self._run.settings.settle_stuck_s if self._run.stuck else 0.0
        await self._run.pause(max(self._pauses.next_s(), slow))

    async def settle(self, *, vouched: bool = False) -> Verdict:
        """Ask until the answer can be acted on; never returns UNKNOWN.

        When an agent vouches that nothing was begun, one look at both sides is enough. An
        operator's decision is as good as an answer, unless XAPI contradicts it.
        """
        claimed: Claimed | None = None
        while True:
            self.view = view = await looking.look(self._run.agents, self._run.order)
            decided = resolving.verdict(self._run.migration, view) if self._run.stuck else None
            if decided is not None:
                return self._settled(decided)
            verdict = settle.decide(view, self._run.order)
            claimed = self._carry(claimed, verdict)
            missing_s = 0.0 if vouched else self._missing_s(claimed, view)
            if verdict is not Verdict.UNKNOWN and missing_s <= 0:
                return self._settled(verdict)
            await self._alert_when_late(view)
            if verdict is Verdict.UNKNOWN:
                await self.pause()
            else:
                await self._run.pause(min(missing_s, self._run.settings.settle_cap_s))
            await self._run.refresh_when_stuck()

    async def check_late(self) -> None:
        """Alert when the move has not been seen to go on for too long."""
        await self._alert_when_late(View(None, None))

    def _carry(self, claimed: Claimed | None, verdict: Verdict) -> Claimed:
        if claimed is not None and claimed.verdict is verdict:
            return claimed
        return Claimed(verdict, self._run.monotonic())

    def _settled(self, verdict: Verdict) -> Verdict:
        metrics.SETTLED.labels(verdict.value).inc()
        self._run.log.info("migration.settled", verdict=verdict.value)
        return verdict

    def _missing_s(self, claimed: Claimed, view: View) -> float:
        memory = self._run.migration.plan.memory_needed_bytes
        needed = settle.quiet_s(claimed.verdict, view, memory, self._run.settings)
        return needed - self._run.seconds_since(claimed.since_s)

    async def _alert_when_late(self, view: View) -> None:
        run = self._run
        if run.seconds_since(self._since_s) < run.settings.settle_timeout_s:
            return
        where = settle.whereabouts(view, run.order)
        error = open_question(run, where)
        if await run.stick(error, Advance(whereabouts=where)):
            metrics.SETTLED.labels(Verdict.UNKNOWN.value).inc()


def open_question(run: Run, where: Whereabouts) -> Finding:
    """Return what to tell an operator about a guest that is not where it should be."""
    name = run.migration.plan.instance_name
    source, dest = run.migration.plan.source_host_name, run.migration.plan.dest_host_name
    reason, message = {
        Whereabouts.NOWHERE: (
            Reason.INSTANCE_LOST,
            f"XAPI shows {name} running neither on {source} nor on {dest}; it may run all the same",
        ),
        Whereabouts.BOTH: (
            Reason.INSTANCE_DOUBLED,
            f"XAPI shows {name} running on {source} and on {dest}",
        ),
    }.get(where, (Reason.OUTCOME_UNKNOWN, f"whether {name} runs on {source} or {dest} is open"))
    return Finding(
        reason,
        Severity.ERROR,
        f"instance/{name}",
        message,
        f"do not start {name}; look for its domain on both hosts (xl list); "
        f"restarting the toolstack on {dest} makes XAPI find a guest that runs there",
    )
