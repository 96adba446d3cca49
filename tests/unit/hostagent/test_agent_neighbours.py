"""After an arrival the neighbours are told where the guest's addresses are, where that is set."""

from collections.abc import Sequence

from hostagent.dataplane.carrier import Remembered
from hostagent.dataplane.neighbours import Arrival
from hostagent.model.finding import Severity
from hostagent.model.records import GuestMetricsRecord, VifRecord
from hostagent.operations import neighbours
from hostagent.operations.verification import Verification
from tests.unit.hostagent.records import a_vm

GUEST = a_vm(vifs=("OpaqueRef:vif",), guest_metrics="OpaqueRef:metrics")
MAC = "52:54:00:aa:00:01"


class Announcing(Remembered):
    """Keeps what it is to tell; a broken one has no wire."""

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self._broken = broken
        self.told: list[Arrival] = []

    async def announce(self, arrivals: Sequence[Arrival]) -> None:
        """Keep them."""
        if self._broken:
            raise OSError(19, "No such device")
        self.told += arrivals


def seen() -> Verification:
    """Return what XAPI shows of a guest with two addresses on one interface."""
    vif = VifRecord(
        "OpaqueRef:vif", "uuid", GUEST.ref, "OpaqueRef:lan", MAC, device="0", attached=True
    )
    told = {"0/ip": "10.0.0.5", "0/ipv6/0": "fd00::5", "1/ip": "10.9.9.9"}
    return Verification([], (vif,), GuestMetricsRecord(True, {}, told))


async def test_every_address_that_the_guest_tells_of_is_announced_with_its_hardware_address() -> (
    None
):
    carrier = Announcing()

    findings = await neighbours.tell(carrier, GUEST, seen())

    assert carrier.told == [Arrival("10.0.0.5", MAC), Arrival("fd00::5", MAC)]
    assert findings == []


async def test_a_wire_that_takes_nothing_is_a_warning_and_no_failure_of_the_migration() -> None:
    (finding,) = await neighbours.tell(Announcing(broken=True), GUEST, seen())

    assert finding.severity is Severity.WARNING
    assert "No such device" in finding.message
    assert "instance_interface" in finding.remedy
