"""Asking the agents: the destination first, then the source with what the destination told.

Agents never call each other. What they find is fresher than the inventory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from controller.model.findings import Finding, Reason, Severity
from controller.model.inventory import Host
from controller.model.migration import MigrationKind, MoveEstimate
from controller.planning import checks
from controller.planning.snapshot import Snapshot
from controller.planning.verdicts import refused
from controller.ports import agents

_GRAVITY = (Severity.OK, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Judged:
    """What all checks found together, and how the instance would travel.

    `dest` is what the destination answered, None where it did not; `estimate` is the source's.
    """

    findings: tuple[Finding, ...]
    kind: MigrationKind
    dest: agents.DestCheck | None = None
    estimate: MoveEstimate | None = None


async def ask(asked: agents.CheckAgents, snapshot: Snapshot, own: tuple[Finding, ...]) -> Judged:
    """Ask the agents that can answer, and put their findings beside those of the inventory.

    The source is not asked without the destination's answer; nobody is asked about a move to
    where the instance is, because XAPI would call that possible.
    """
    kind = checks.asked_kind(snapshot)
    if snapshot.source is None or snapshot.dest_is_source or not snapshot.dest.alive:
        return Judged(merge(own), kind)
    order = _order(snapshot, snapshot.source)
    dest, found = await _ask_dest(asked, order)
    if dest is None or not snapshot.source.alive:
        return Judged(merge(own, found), kind, dest)
    source, more = await _ask_source(asked, order, dest)
    if source is None:
        return Judged(merge(own, found, more), kind, dest)
    return Judged(merge(own, found, more), source.kind or kind, dest, source.estimate)


async def _ask_dest(
    asked: agents.CheckAgents, order: agents.CheckOrder
) -> tuple[agents.DestCheck | None, tuple[Finding, ...]]:
    try:
        answer = await asked.check_dest(order)
    except agents.AgentUnavailable as silence:
        return None, (_silent(order.dest, Reason.DEST_NOT_ALIVE, silence),)
    except agents.AgentError as refusal:
        return None, refusal.findings
    return answer, answer.findings


async def _ask_source(
    asked: agents.CheckAgents, order: agents.CheckOrder, dest: agents.DestCheck
) -> tuple[agents.SourceCheck | None, tuple[Finding, ...]]:
    try:
        answer = await asked.check_source(order, dest)
    except agents.AgentUnavailable as silence:
        return None, (_silent(order.source, Reason.SOURCE_NOT_ALIVE, silence),)
    except agents.AgentError as refusal:
        return None, refusal.findings
    return answer, answer.findings


def merge(
    own: Sequence[Finding], dest: Sequence[Finding] = (), source: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """Return all findings in the order of the checks, each thing told once.

    Of two who tell of one thing the graver one is kept; of two alike the agent, who has just
    looked, and of the agents the destination's, who has asked XAPI too.
    """
    told = dict.fromkeys(_thing(finding) for finding in (*own, *dest, *source))
    kept: dict[tuple[Reason, str], list[Finding]] = {}
    for one in (own, source, dest):
        for thing, findings in _by_thing(one).items():
            if thing not in kept or _gravity(findings) >= _gravity(kept[thing]):
                kept[thing] = findings
    return tuple(finding for thing in told for finding in kept[thing])


def _thing(finding: Finding) -> tuple[Reason, str]:
    return finding.reason, finding.subject


def _by_thing(findings: Sequence[Finding]) -> dict[tuple[Reason, str], list[Finding]]:
    things: dict[tuple[Reason, str], list[Finding]] = {}
    for finding in findings:
        things.setdefault(_thing(finding), []).append(finding)
    return things


def _gravity(findings: Sequence[Finding]) -> int:
    return max(_GRAVITY.index(finding.severity) for finding in findings)


def _order(snapshot: Snapshot, source: Host) -> agents.CheckOrder:
    return agents.CheckOrder(
        instance=snapshot.instance.facts,
        source=source,
        dest=snapshot.dest,
        block_migration=snapshot.request.block_migration,
        disk_over_commit=snapshot.request.disk_over_commit,
    )


def _silent(host: Host, reason: Reason, silence: agents.AgentUnavailable) -> Finding:
    details = tuple(part for finding in silence.findings for part in finding.xapi_error)
    finding = refused(
        reason,
        f"host/{host.name}",
        f"the agent of {host.name} does not answer: {silence}",
        f"look at xenferry-hostagent of {host.name}, and at the network to it",
    )
    return replace(finding, xapi_error=details)
