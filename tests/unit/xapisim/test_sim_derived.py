"""What XAPI derives from what it has: checked against recorded pools."""

import itertools

import pytest

from tests.support import replay_world
from xapisim.classes import device_calls, hash_order
from xapisim.classes.pool import Account, Pool
from xapisim.clock import Clock
from xapisim.database.database import Database
from xapisim.faults.registry import Faults
from xapisim.hypervisor import Hypervisor
from xapisim.ids import Ids
from xapisim.schema.load import schema

LISTED = [
    "OpaqueRef:8ea01ddb-74eb-2b9b-077f-8b69648f2d23",
    "OpaqueRef:48724d1d-7f2b-9534-d464-b25cf6cc6de6",
    "OpaqueRef:a0f6ba91-ff78-9102-bf73-0e144467da49",
    "OpaqueRef:dc716603-0139-63b6-cbdf-a57d93cc05bc",
    "OpaqueRef:20774e18-34c8-17cf-a7bf-d27336a18d7f",
    "OpaqueRef:dabe56e3-dcbc-5211-34a8-007abb259e20",
]
"""The VMs of one CANNOT_EVACUATE_HOST, in its order; two of them are in one bucket."""


@pytest.mark.parametrize("turns", range(4))
def test_the_guests_that_prevent_an_evacuation_are_listed_as_recorded(turns: int) -> None:
    others = [ref for ref in LISTED if ref not in LISTED[2:4]]
    came_in = LISTED[2:4] + others[turns:] + others[:turns]

    assert hash_order.ordered(came_in)[::-1] == LISTED


def test_of_two_in_one_bucket_the_later_one_comes_first() -> None:
    for first, second in itertools.permutations(LISTED[2:4]):
        assert hash_order.ordered([first, second]) == [second, first]


@pytest.mark.parametrize("name", ["pool2", "single", "hetero"])
def test_every_recorded_mac_follows_from_its_vms_seed(name: str) -> None:
    world = replay_world.load(f"worlds/{name}.json")
    database = Database(schema())
    account = Account("root", "x")
    pool = Pool(database, Hypervisor(), Clock(), Ids(0, "x"), Faults(), account)
    for ref, fields in world["VM"].items():
        database.insert("VM", ref, fields)

    made = {
        ref: device_calls.made_up_mac(pool, vif["VM"], vif["device"])
        for ref, vif in world["VIF"].items()
    }

    assert made == {ref: vif["MAC"] for ref, vif in world["VIF"].items()}
