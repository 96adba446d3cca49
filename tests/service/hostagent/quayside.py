"""A pool whose coordinator carries no guest, so that all may befall it."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import XenAPI

from chassis import answers
from tests.service.hostagent.crossing import PATIENCE, Trip, Yard
from tests.service.hostagent.pool import (
    Guest,
    running_agent,
)
from tests.service.hostagent.two_pools import FAR, NEAR, Pool, Starts
from tests.support.sim import Simulator

SOURCE, DEST = "n1", "n2"
LEADERS = ("n0", "n3")
_HEAD = '[[host]]\nname = "n1"'
WORLD = NEAR.replace(_HEAD, f'[[host]]\nname = "n0"\n[[host]]\nname = "n3"\n{_HEAD}', 1)
# XAPI gives a dead host up after 116 s, and for a move with disks says so after several of them.
QUICK = 400.0
# What hangs is given up soon, and so is a move whose XAPI is away.
READ_TIMEOUT_S = 1.5
HASTE = replace(PATIENCE, lost_xapi_s=1.0, max_concurrent_moves=8)


@dataclass(frozen=True, slots=True)
class Quay(Yard):
    """A yard that knows what a request says before the fault comes."""

    disks: dict[str, list[str]] = field(default_factory=dict)

    def disks_of(self, guest: Guest) -> list[str]:
        """Return the uuids of a guest's disks, as they were when it was first asked."""
        if guest.uuid not in self.disks:
            self.disks[guest.uuid] = Yard.disks_of(self, guest)
        return self.disks[guest.uuid]


@dataclass(slots=True)
class Staged:
    """A trip that has come so far that an RPC has work to do."""

    trip: Trip
    ticket: Any = None
    hold: str = ""
    move: Any = None


def quayside(scratch: Path, time_factor: float = QUICK) -> Simulator:
    """Start the simulator; the other pool is only there so that trips can be told apart."""
    far = scratch / "far.toml"
    far.write_text(FAR)
    return Simulator(WORLD, far, time_factor=time_factor)


@asynccontextmanager
async def running_quayside(simulator: Simulator) -> AsyncIterator[Quay]:
    """Run the agents of source and destination, and one in the other pool."""
    async with AsyncExitStack() as stack:
        source, near, far = [
            await stack.enter_async_context(
                running_agent(simulator, host, HASTE, read_timeout_s=READ_TIMEOUT_S)
            )
            for host in (SOURCE, DEST, "f1")
        ]
        pools = Pool(simulator, "n0"), Pool(simulator, "f1")
        yield Quay(simulator, source, near, far, *pools, Starts(simulator))


def leader(simulator: Simulator) -> str:
    """Return the host that coordinates the pool now."""
    for host in LEADERS:
        session = XenAPI.Session(simulator.endpoints[host])
        try:
            session.xenapi.login_with_password(simulator.user, simulator.password, "1.0", "looker")
        except (XenAPI.Failure, OSError):
            continue
        session.xenapi.session.logout()
        return host
    raise LookupError("no host coordinates the pool")


async def told(call: Awaitable[Any]) -> str:
    """Return the answer, or status and reason."""
    try:
        return str(await call)
    except grpc.aio.AioRpcError as error:
        answer = answers.read(error)
        return f"{answer.code.name} {answer.reason}"
