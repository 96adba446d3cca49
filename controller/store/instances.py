"""The instances in memory, by their uuid and by their host."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from controller.model.inventory import Instance, InstanceFacts
from controller.store.inventory_rows import Placed


class Instances:
    """What is known of every instance."""

    def __init__(self) -> None:
        self._known: dict[str, Instance] = {}
        self._at: dict[str, set[str]] = defaultdict(set)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def get(self, instance_id: str) -> Instance | None:
        """Return an instance, or None."""
        return self._known.get(instance_id)

    def all(self) -> list[Instance]:
        """Return every instance."""
        return list(self._known.values())

    def at(self, host_id: str) -> set[str]:
        """Return the uuids of a host's instances."""
        return set(self._at.get(host_id, ()))

    def placed(self, instance_ids: Iterable[str], host_id: str) -> list[Placed]:
        """Return known instances as a host had them."""
        found = (self._known.get(instance_id) for instance_id in instance_ids)
        return [Placed(known.facts, host_id) for known in found if known is not None]

    def put(self, instance: Instance) -> None:
        """Know an instance, or know it better."""
        self.drop(instance.instance_id)
        self._known[instance.instance_id] = instance
        self._at[instance.host_id].add(instance.instance_id)

    def place(self, facts: InstanceFacts, host_id: str) -> None:
        """Take what was told; where it is while it is being migrated is for the saga to say."""
        known = self._known.get(facts.instance_id) or Instance(facts, host_id=host_id)
        home = known.host_id if known.migration_id else host_id
        self.put(replace(known, facts=facts, host_id=home))

    def forget(self, instance_id: str) -> bool:
        """Drop an instance that is gone, unless it is being migrated; return whether it was."""
        known = self._known.get(instance_id)
        if known is None or known.migration_id:
            return False
        self.drop(instance_id)
        return True

    def drop(self, instance_id: str) -> None:
        """Drop an instance."""
        known = self._known.pop(instance_id, None)
        if known is not None:
            self._at[known.host_id].discard(instance_id)
