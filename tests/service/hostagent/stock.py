"""Guests for every test: some of each kind are always there, and those that were used go.

Were there one for each test of a run, every agent would read hundreds whenever it connects.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import XenAPI

from tests.service.hostagent.two_pools import Pool
from tests.support.sim import Simulator

KINDS = ("local", "shared")
ENOUGH = 16
"""More of a kind than any test takes."""
BATCH = 24
"""So many are there at first; as many again are made at a time."""


@dataclass(slots=True)
class Stock:
    """The guests of n1 that no test has touched, by name, and those that tests have taken."""

    spare: dict[str, list[str]] = field(
        default_factory=lambda: {kind: list(_names(kind, 1)) for kind in KINDS}
    )
    made: int = BATCH
    used: list[str] = field(default_factory=list)

    def take(self, kind: str) -> str:
        """Return the name of a guest."""
        name = self.spare[kind].pop(0)
        self.used.append(name)
        return name

    def fill(self, pool: Pool) -> list[str]:
        """Make guests of the kinds of which few are left, and return one of each kind made."""
        low = [kind for kind in KINDS if len(self.spare[kind]) < ENOUGH]
        here = pool.one("host", "n1")
        for kind in low:
            model = pool.one("VM", f"{kind}-model")
            for name in _names(kind, self.made + 1):
                guest = pool.api.VM.clone(model, name)
                pool.api.VM.start_on(guest, here, False, False)
                self.spare[kind].append(name)
        self.made += BATCH if low else 0
        return [self.spare[kind][-1] for kind in low]

    def clear(self, pools: Sequence[Pool]) -> None:
        """Destroy what tests have taken, wherever it ended."""
        for name in self.used:
            for pool in pools:
                for guest in pool.api.VM.get_by_name_label(name):
                    _destroy(pool, guest)
        self.used.clear()


def _names(kind: str, first: int) -> Iterator[str]:
    return (f"{kind}-{number:02d}" for number in range(first, first + BATCH))


def _destroy(pool: Pool, guest: str) -> None:
    """A guest that a test has left in a bad way may stay."""
    with suppress(XenAPI.Failure):
        if pool.api.VM.get_power_state(guest) != "Halted":
            pool.api.VM.hard_shutdown(guest)
        for vm in (*pool.api.VM.get_snapshots(guest), guest):
            _destroy_with_disks(pool, vm)


def _destroy_with_disks(pool: Pool, vm: str) -> None:
    drives = [pool.api.VBD.get_record(vbd) for vbd in pool.api.VM.get_VBDs(vm)]
    pool.api.VM.destroy(vm)
    for disk in (one["VDI"] for one in drives if one["type"] == "Disk"):
        with suppress(XenAPI.Failure):
            pool.api.VDI.destroy(disk)


_stocks: WeakKeyDictionary[Simulator, Stock] = WeakKeyDictionary()


def stock_of(simulator: Simulator) -> Stock:
    """Return the guests of a simulator, whoever asks."""
    return _stocks.setdefault(simulator, Stock())
