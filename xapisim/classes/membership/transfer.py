"""Carries a host's records from one pool's database into another's.

Refs are new there; uuids stay for what outlives the move: the host, guests, disks, SRs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from xapisim.classes.engine import Engine
from xapisim.values import NULL, Value

_SAME_UUID = frozenset({"host", "VM", "VDI", "SR", "VIF", "VBD", "network"})
OF_HOSTS = ("PBD", "PIF", "host_cpu", "Certificate")
"""Classes whose objects belong to the host that they name."""


@dataclass(slots=True)
class Transfer:
    near: Engine
    far: Engine
    refs: dict[str, str] = field(default_factory=dict)
    """What each object's ref will be in the other pool."""
    _chosen: list[tuple[str, str, dict[str, Value]]] = field(default_factory=list)

    def stands_for(self, old: str, new: str) -> None:
        """Says that the other pool has this object already."""
        self.refs[old] = new

    def choose(self, class_name: str, refs: Iterable[str], **changes: Value) -> None:
        """Objects that come along, with what is to be different about them."""
        for ref in refs:
            if ref not in self.refs:
                self.refs[ref] = self.far.pool.ids.fresh_ref()
                self._chosen.append((class_name, ref, changes))

    def carry(self) -> None:
        """Adds them all; whatever one of them points at among them is translated."""
        for class_name, ref, changes in self._chosen:
            fields = self._translated({**self.near.pool.database.record(class_name, ref)})
            if class_name not in _SAME_UUID:
                fields["uuid"] = self.far.pool.ids.fresh_uuid()
            self.far.pool.database.insert(class_name, self.refs[ref], {**fields, **changes})

    def _translated(self, value: Value) -> Value:
        if isinstance(value, dict):
            return {self._translated(key): self._translated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._translated(item) for item in value]
        if isinstance(value, str):
            return self.refs.get(value, value)
        return value


def of_host(engine: Engine, class_name: str, host: str) -> list[str]:
    """The refs of the objects of that class that name this host."""
    rows = engine.pool.database.rows(class_name)
    return [row.ref for row in rows if row.fields["host"] == host]


def existing(engine: Engine, class_name: str, refs: Iterable[str]) -> list[str]:
    known = engine.pool.database
    return [ref for ref in dict.fromkeys(refs) if ref != NULL and known.has(class_name, ref)]
