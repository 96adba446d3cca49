"""Which agent saw which instance, and what to believe when two of them did.

During a move both sides' agents tell of the guest, each at its own pace: "gone" from one must not
take away what the other has.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from controller.model.inventory import Instance, InstanceFacts


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one agent last told of an instance; `tick` orders what was told."""

    host_id: str
    facts: InstanceFacts
    tick: int

    @property
    def runs_here(self) -> bool:
        """Whether the agent says that it runs on the agent's own host."""
        return self.facts.host_id == self.host_id

    @property
    def home(self) -> str:
        """Where it runs, else who told."""
        return self.facts.host_id or self.host_id


class Sightings:
    """All that agents of this process's time have told."""

    def __init__(self, alive: Callable[[str], bool]) -> None:
        self._alive = alive
        self._by_instance: dict[str, dict[str, Sighting]] = defaultdict(dict)
        self._by_host: dict[str, set[str]] = defaultdict(set)
        self._tick = 0
        self.disputed: set[str] = set()

    def replace_host(self, host_id: str, instances: Iterable[InstanceFacts]) -> set[str]:
        """Take all that a host has; returns the instances that are touched."""
        told = list(instances)
        before = set(self._by_host[host_id])
        now = {facts.instance_id for facts in told}
        self.remove(host_id, before - now)
        self.add(host_id, told)
        return before | now

    def of(self, host_id: str) -> set[str]:
        """Return the instances that a host tells of."""
        return set(self._by_host.get(host_id, ()))

    def add(self, host_id: str, instances: Iterable[InstanceFacts]) -> None:
        """Take what a host tells of instances."""
        self._tick += 1
        for facts in instances:
            sighting = Sighting(host_id, facts, self._tick)
            self._by_instance[facts.instance_id][host_id] = sighting
            self._by_host[host_id].add(facts.instance_id)

    def remove(self, host_id: str, instance_ids: Iterable[str]) -> None:
        """Take that a host no longer has instances."""
        for instance_id in tuple(instance_ids):
            self._by_host[host_id].discard(instance_id)
            seen = self._by_instance[instance_id]
            seen.pop(host_id, None)
            if not seen:
                del self._by_instance[instance_id]

    def follow(
        self,
        placed: Iterable[Instance],
        gone: Iterable[str],
        left: Iterable[tuple[str, str]],
        foreign: Callable[[str], bool],
    ) -> None:
        """Take where other replicas place instances, as told by those `foreign` hosts.

        What was taken of other such hosts is over; what is told here is told still. `left` are
        hosts and instances that are no longer there.
        """
        for instance in placed:
            if foreign(instance.host_id):
                self._forget(instance.instance_id, foreign)
                self.add(instance.host_id, [instance.facts])
        for instance_id in gone:
            self._forget(instance_id, foreign)
        for host_id, instance_id in left:
            if foreign(host_id):
                self.remove(host_id, [instance_id])

    def _forget(self, instance_id: str, foreign: Callable[[str], bool]) -> None:
        for host_id in tuple(self._by_instance.get(instance_id, ())):
            if foreign(host_id):
                self.remove(host_id, [instance_id])

    def rehome(self, facts: InstanceFacts, source_host_id: str, dest_host_id: str) -> None:
        """Take that an instance was proven to run at the destination.

        What the destination's own agent tells of it is newer than what the source's told.
        """
        self.remove(source_host_id, [facts.instance_id])
        seen = self._by_instance.get(facts.instance_id, {}).get(dest_host_id)
        if seen is None or not seen.runs_here:
            arrived = replace(facts, host_id=dest_host_id, current_operations=())
            self.add(dest_host_id, [arrived])

    def believe(self, instance_id: str, present_home: str) -> Sighting | None:
        """Return the sighting to believe: of a live agent, of where it runs, of where it was.

        An instance that two hosts claim to run stays disputed, to be looked at again.
        """
        seen = self._by_instance.get(instance_id)
        if not seen:
            self.disputed.discard(instance_id)
            return None
        if sum(sighting.runs_here for sighting in seen.values()) > 1:
            self.disputed.add(instance_id)
        else:
            self.disputed.discard(instance_id)
        return max(seen.values(), key=lambda sighting: self._weight(sighting, present_home))

    def _weight(self, sighting: Sighting, present_home: str) -> tuple[bool, bool, bool, int]:
        return (
            sighting.runs_here,
            self._alive(sighting.host_id),
            sighting.host_id == present_home,
            sighting.tick,
        )
