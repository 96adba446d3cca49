"""Two small pools in one simulator, and what the storage migration tests say in one word."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contract.xapisim import storage
from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

NEAR = """
[pool]
name = "near"
[[host]]
name = "n1"
[[host]]
name = "n2"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[sr]]
name = "other"
[[sr]]
name = "discs"
type = "iso"
[[sr]]
name = "n1-local"
host = "n1"
[[vm]]
name = "app"
memory = "1 GiB"
host = "n1"
cd = "discs"
disks = [{ sr = "shared", size = "1 GiB" }, { sr = "n1-local", size = "2 GiB" }]
[[vm]]
name = "many-{n}"
count = 5
memory = "256 MiB"
host = "n1"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "parked"
memory = "1 GiB"
state = "Halted"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "bare"
memory = "256 MiB"
host = "n1"
drivers = false
"""
FAR = """
[pool]
name = "far"
[[host]]
name = "f1"
[[network]]
name = "lan"
[[sr]]
name = "depot"
[[sr]]
name = "discs"
type = "iso"
"""
FAST = 20.0


@contextmanager
def two_pools(scratch: Path) -> Iterator[Simulator]:
    far = scratch / "far.toml"
    far.write_text(FAR)
    with Simulator(NEAR, far, lockstep=True) as sim:
        yield sim


class Trip:
    """A VM of the near pool and the ticket of a host; `to` names the SR of each disk."""

    def __init__(self, near: Client, there: Client, host: str) -> None:
        self.near = near
        self.there = there
        (network,) = there.api.network.get_by_name_label("lan")
        self.network = str(network)
        ref = there.host(host)
        self.ticket: dict[str, str] = there.api.host.migrate_receive(ref, network, {})

    def disks(self, vm: str, *srs: str) -> dict[str, str]:
        refs = [storage.sr(self.there, name) for name in srs]
        return dict(zip(storage.disks_of(self.near, vm), refs, strict=True))

    def interfaces(self, vm: str) -> dict[str, str]:
        vifs = self.near.api.VM.get_VIFs(self.near.vm(vm))
        return {vif: self.network for vif in vifs if self.near is not self.there}

    def ask(self, vm: str, *srs: str, **options: str) -> Any:
        """VM.assert_can_migrate."""
        return self.near.api.VM.assert_can_migrate(*self._words(vm, srs, options))

    def send(self, vm: str, *srs: str, **options: str) -> str:
        """Starts Async.VM.migrate_send; the result is the task."""
        return str(self.near.api.Async.VM.migrate_send(*self._words(vm, srs, options)))

    def _words(self, vm: str, srs: tuple[str, ...], options: dict[str, str]) -> list[Any]:
        maps = [self.disks(vm, *srs), self.interfaces(vm)]
        return [self.near.vm(vm), self.ticket, True, *maps, options]


def all_disks(client: Client) -> set[str]:
    return set(client.api.VDI.get_all())
