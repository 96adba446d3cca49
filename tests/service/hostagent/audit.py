"""What must hold of every RPC under whatever fault: no call twice, one live copy, nothing left."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.service.hostagent.quayside import DEST, SOURCE, Staged
from tests.support.sim import Simulator

FAULTS: dict[str, dict[str, Any]] = {
    "refusal": {"fault": "error", "error": ["OPERATION_NOT_ALLOWED", "not today"]},
    "delay": {"fault": "delay", "seconds": 0.1},
    "dropped reply": {"fault": "drop_reply"},
    "dropped call": {"fault": "drop_call"},
}
# Sent again until the end is known, which stops nothing but what was to be stopped.
REPEATED = {"task.cancel"}
READS = ("get_", "assert_", "compute_", "login", "slave_local_login", "from")
# XAPI has not looked at a call that it answers so.
NOT_DONE = {"SESSION_INVALID", "HOST_IS_SLAVE", "HOST_STILL_BOOTING"}
ENDED = "xenferry:ended:"


def sent(simulator: Simulator, since: int) -> Counter[str]:
    """Return how often the agents sent each call that changes something."""
    return Counter(
        json.dumps([call["method"], call["params"][1:]])
        for call in simulator.trace(since)
        if call["originator"].startswith("xenferry-hostagent/")
        and call["method"] not in REPEATED
        and not call["method"].rpartition(".")[2].startswith(READS)
        and call["outcome"][0] not in NOT_DONE
        and not _forgets(call)
    )


def _forgets(call: Mapping[str, Any]) -> bool:
    """Tell of the oldest migration that ended, which two that end at once may both forget."""
    last = call["params"][-1] if call["params"] else ""
    return call["method"].endswith("remove_from_other_config") and last.startswith(ENDED)


def twice(simulator: Simulator, since: int) -> list[str]:
    """Return the calls that change something and were sent more than once."""
    return [call for call, times in sent(simulator, since).items() if times > 1]


async def end(staged: Staged) -> None:
    """Do what the controller does where the guest is, and see that nothing is left."""
    trip = staged.trip
    await standing(staged)
    if trip.where() == [DEST]:
        await trip.finish()
    else:
        await trip.roll_back()
    assert trip.where() in ([SOURCE], [DEST])
    assert trip.residue() == set()


async def standing(staged: Staged) -> None:
    """Wait until nothing moves the guest, and XAPI's record is where the guest is."""
    trip = staged.trip
    simulator = trip.yard.simulator
    states = {"receiving"}
    while "receiving" in states:
        await trip.observe(trip.dest)
        states = {one["state"] for one in simulator.domains() if one["vm_uuid"] == trip.guest.uuid}
    if trip.where() == [DEST]:
        seen = await trip.observe(trip.dest)
        if seen.resident_host_id != trip.dest.host.host_id and not seen.current_operations:
            # After a restart the record says halted until the host looks at what it has (XAPI G).
            simulator.fault(fault="restart_toolstack", host=DEST)
        await trip.yard.watched(
            lambda: trip.observe(trip.dest),
            lambda seen: seen.resident_host_id == trip.dest.host.host_id,
        )
    await trip.yard.watched(
        lambda: trip.observe(trip.yard.source), lambda seen: not seen.current_operations
    )
