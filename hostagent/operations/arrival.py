"""Where the disks of a block migration would arrive on this host, and by which network."""

from dataclasses import dataclass

from hostagent.model.checks import DestCheckData
from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding
from hostagent.model.network_matching import NetworkMatching
from hostagent.model.records import HostRecord
from hostagent.operations.agent import Agent
from hostagent.operations.checks import dest_sr, migration_network, rooms
from hostagent.operations.checks.kinds import Route


@dataclass(frozen=True, slots=True)
class Place:
    """What the source will be told, and what speaks for and against it."""

    data: DestCheckData
    findings: tuple[Finding, ...]


def prepare(
    agent: Agent, host: HostRecord, facts: HostFacts, route: Route, *, over_commit: bool
) -> Place:
    """Choose SR and network, and count the room; changes nothing."""
    settings, mirror = agent.settings, agent.mirror
    choice = dest_sr.choose(mirror, host, settings.sr_matching_filter)
    crossing = migration_network.find(mirror, host, settings.migration_network)
    findings = [choice.finding, crossing.finding]
    needed = 0
    known = {sr.sr_id: sr for sr in facts.storage_repositories}
    if choice.sr is not None:
        sr = known[choice.sr.uuid]
        needed = rooms.needed(route.copied, sr, over_commit=over_commit)
        findings.append(rooms.enough(sr, needed, over_commit=over_commit))
    data = DestCheckData(
        host=facts,
        kind=route.kind,
        dest_sr_id=choice.sr.uuid if choice.sr else "",
        migration_network_id=crossing.network.uuid if crossing.network else "",
        migration_address=crossing.address,
        disk_needed_bytes=needed,
        network_matching=NetworkMatching(settings.network_matching),
    )
    return Place(data, tuple(findings))
