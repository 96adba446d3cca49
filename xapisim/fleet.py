"""`xapisim world`: the TOML of a pool with many hosts and VMs; the same for the same seed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

_MEMORY_GIB = (1, 1, 1, 2, 2, 2, 4, 4, 8, 16)
"""Small guests are more frequent."""
_VCPUS = (1, 2, 4)
_DIRTY_MIB_S = (1, 5, 20, 80)
HOST_OVERHEAD_GIB = 4
_SPARE = 1.3
"""Hosts have a third more memory than their guests need, so that one can be emptied."""


Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Fleet:
    hosts: int
    vms: int
    seed: int = 0

    def toml(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        sizes = [self._pick(_MEMORY_GIB, "memory", number) for number in range(1, self.vms + 1)]
        yield f"# {self.hosts} hosts, {self.vms} VMs, seed {self.seed}; the keys: demo.toml."
        yield from ("", "[pool]", f'name = "fleet-{self.seed}"')
        for number in range(1, self.hosts + 1):
            yield from ("", "[[host]]", f'name = "xs{number:02d}"')
            yield from (f'memory = "{self._host_gib(sizes)} GiB"', "cpus = 64", "nic_mbps = 25000")
        yield from ("", "[[network]]", 'name = "lan"', "", "[[sr]]", 'name = "shared"')
        for number, gib in enumerate(sizes, 1):
            host = (number - 1) % self.hosts + 1
            yield from ("", "[[vm]]", f'name = "vm-{number:04d}"', f'memory = "{gib} GiB"')
            yield from (f'host = "xs{host:02d}"', f"vcpus = {self._pick(_VCPUS, 'vcpus', number)}")
            yield from ('disks = [{ sr = "shared", size = "20 GiB" }]', 'networks = ["lan"]')
            yield f"dirty_rate_mib_s = {self._pick(_DIRTY_MIB_S, 'dirty', number)}"

    def _pick(self, choices: Sequence[Choice], what: str, number: int) -> Choice:
        """The same for the same seed, whatever else is in the fleet."""
        drawn = hashlib.sha256(f"{self.seed}/{what}/{number}".encode()).digest()
        return choices[int.from_bytes(drawn[:4], "big") % len(choices)]

    def _host_gib(self, sizes: list[int]) -> int:
        """Room for the fullest host's guests and some more."""
        fullest = max(sum(sizes[start :: self.hosts]) for start in range(self.hosts))
        return HOST_OVERHEAD_GIB + max(16, int(fullest * _SPARE))
