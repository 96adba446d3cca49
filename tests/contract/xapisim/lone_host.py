"""A pool of two hosts and a host by itself that may join it, and the waiting that goes with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import XenAPI

from tests.contract.xapisim.client import Client, until
from tests.support.sim import Simulator

POOL = """
[pool]
name = "harbour"
[[host]]
name = "a1"
[[host]]
name = "a2"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[vm]]
name = "app"
memory = "1 GiB"
host = "a1"
disks = [{ sr = "shared", size = "1 GiB" }]
"""
LONE = """
[pool]
name = "island"
[[host]]
name = "b1"
[[network]]
name = "lan"
[[sr]]
name = "b1-local"
host = "b1"
[[vm]]
name = "parked"
memory = "512 MiB"
state = "Halted"
disks = [{ sr = "b1-local", size = "1 GiB" }]
[[vm]]
name = "agent"
memory = "512 MiB"
host = "b1"
"""
FAST = 60.0


@contextmanager
def pool_and_lone_host(scratch: Path, lone: str = LONE) -> Iterator[Simulator]:
    path = scratch / "island.toml"
    path.write_text(lone)
    with Simulator(POOL, path, lockstep=True) as sim:
        yield sim


def address(sim: Simulator, host: str) -> str:
    return sim.endpoints[host].removeprefix("http://")


def login(sim: Simulator, host: str, seen: list[list[str]] | None = None) -> Client:
    """As soon as that host answers with a session of its own; `seen` collects what it said."""

    def attempt() -> Client | None:
        try:
            return Client(sim, host)
        except XenAPI.Failure as failure:
            if seen is not None:
                seen.append(failure.details)
        except OSError:
            pass
        return None

    client: Client = until(sim, attempt)
    return client


def answer(sim: Simulator, host: str) -> list[str]:
    """What a login there gives: an error array, "refused", or nothing when it succeeds."""
    try:
        Client(sim, host)
    except XenAPI.Failure as failure:
        details: list[str] = failure.details
        return details
    except OSError:
        return ["refused"]
    return []


def until_forgotten(client: Client) -> None:
    """Until the host answers that it doesn't know the client's session any more."""

    def forgotten() -> bool:
        try:
            reply = client.session.VM.get_all(client.session.handle)
        except OSError:
            return False
        return bool(reply["Status"] == "Failure")

    client.until(forgotten)


def until_member(sim: Simulator, host: str, coordinator: str, client: Client) -> None:
    """Until the host redirects to that coordinator."""
    wanted = ["HOST_IS_SLAVE", address(sim, coordinator)]
    client.until(lambda: answer(sim, host) == wanted)


def join(
    sim: Simulator, joiner: Client, *, force: bool = False, to: str = "", password: str = ""
) -> Any:
    """pool.join of the harbour, or of whatever answers at `to`."""
    call = joiner.api.pool.join_force if force else joiner.api.pool.join
    return call(to or address(sim, "a1"), "root", password or sim.password)
