"""A world as every reader hands it over: records by class and ref, and what XAPI keeps no record
of.
"""

from dataclasses import dataclass, field
from pathlib import Path

from xapisim.values import Value

Records = dict[str, dict[str, dict[str, Value]]]
"""Class name, then ref, then fields; fields left out take the schema's defaults."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody beside root, with one of the roles of xapisim.schema.roles."""

    password: str
    role: str


@dataclass(slots=True)
class World:
    """One pool. `loads` are dirty rate (MiB/s) and touched fraction by VM ref, `faults` are still
    unchecked.
    """

    origin: str
    name: str
    records: Records = field(default_factory=dict)
    loads: dict[str, tuple[float, float]] = field(default_factory=dict)
    nic_mbps: dict[str, float] = field(default_factory=dict)
    without_tools: set[str] = field(default_factory=set)
    """VMs whose guests never report drivers."""
    faults: list[Value] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    plugins: dict[str, Path] = field(default_factory=dict)
    """Programs that host.call_plugin runs, by the plug-in's name."""
    instant: bool = False
    stepped: bool = False
    generation: int = 1
    """Where the database's generations go on, which event tokens count in."""
    follows_endpoints: bool = True
    """Whether host.address is the simulator's endpoint; a real database keeps its own addresses."""
    keeps_operations: bool = False
    """Whether allowed_operations are those of a pool that lived, or to be computed."""
    notes: list[str] = field(default_factory=list)
    """What the reader had to make up."""

    def add(self, class_name: str, ref: str, /, **fields: Value) -> str:
        self.records.setdefault(class_name, {})[ref] = fields
        return ref

    def hosts(self) -> dict[str, str]:
        """Host names by ref, the coordinator first."""
        pool = next(iter(self.records["pool"].values()))
        hosts = self.records["host"]
        order = sorted(hosts, key=lambda ref: ref != pool["master"])
        return {ref: hosts[ref]["name_label"] for ref in order}
