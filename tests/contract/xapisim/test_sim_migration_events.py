"""The order in which event.from shows a migration, slow enough to see every step."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

NULL = "OpaqueRef:NULL"
WORLD = """
[pool]
name = "slow"
[[host]]
name = "xs1"
[[host]]
name = "xs2"
[[sr]]
name = "nfs"
[[vm]]
name = "web-1"
memory = "256 MiB"
host = "xs1"
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


def test_events_tell_the_story_in_xapis_order(client: Client) -> None:
    client.move("web-1", "xs1")
    token = client.events(["vm", "task"], "", 0.0)["token"]

    task = client.migrate("web-1", "xs2")

    told: list[str] = []
    while "success" not in told:
        reply = client.events([f"task/{task}", f"vm/{client.vm('web-1')}"], token, 5.0)
        token = reply["token"]
        told += [_chapter(client, event) for event in reply["events"]]
    assert told.index("reserved") < told.index("copied") < told.index("arrived, still busy")
    assert told.index("arrived, still busy") < told.index("success")
    assert told[-1] in ("success", "free")


def _chapter(client: Client, event: dict[str, Any]) -> str:
    snapshot = event["snapshot"]
    if event["class"] == "task":
        if snapshot["status"] != "pending":
            return str(snapshot["status"])
        return "copied" if snapshot["progress"] == 1.0 else "copying"
    arrived = snapshot["resident_on"] == client.host("xs2")
    if arrived:
        return "arrived, still busy" if snapshot["current_operations"] else "free"
    return "reserved" if snapshot["scheduled_to_be_resident_on"] != NULL else "idle"


def test_progress_reaches_one_falls_back_and_reaches_one_again(client: Client) -> None:
    client.move("web-1", "xs1")
    token = client.events(["task"], "", 0.0)["token"]

    task = client.migrate("web-1", "xs2")

    seen: list[tuple[str, float]] = []
    while not seen or seen[-1][0] == "pending":
        reply = client.events([f"task/{task}"], token, 5.0)
        token = reply["token"]
        seen += [(e["snapshot"]["status"], e["snapshot"]["progress"]) for e in reply["events"]]
    full = seen.index(("pending", 1.0))
    assert all(progress < 0.86 for _, progress in seen[:full])
    assert 0 < seen[full + 1][1] < 1.0
    assert seen[-1] == ("success", 1.0)
