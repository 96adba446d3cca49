"""What a host is busy with, and where a disk's chain and a network's users are."""

import pytest

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Severity
from hostagent.model.records import VdiRecord
from hostagent.operations.checks import disks, hosts
from hostagent.xapi.mirror import Change, Mirror
from tests.unit.hostagent.records import a_host


@pytest.mark.parametrize(
    ("operations", "severity"),
    [
        ({}, Severity.OK),
        ({"OpaqueRef:t": "vm_migrate"}, Severity.OK),
        ({"OpaqueRef:t": "evacuate"}, Severity.ERROR),
        ({"OpaqueRef:t": "shutdown", "OpaqueRef:u": "vm_migrate"}, Severity.ERROR),
    ],
)
def test_a_host_that_is_being_emptied_takes_no_guest(
    operations: dict[str, str], severity: Severity
) -> None:
    record = a_host(current_operations=operations)

    assert hosts.idle(HostFacts(record.uuid, record.name), record).severity is severity


def an_image(uuid: str, parent: str = "") -> VdiRecord:
    """Return an image of a chain."""
    config = {disks.PARENT: parent} if parent else {}
    return VdiRecord(f"OpaqueRef:{uuid}", uuid, uuid, "sr", 1, (), sm_config=config)


def a_chain(*images: VdiRecord) -> Mirror:
    """Return a mirror that knows these images."""
    mirror = Mirror()
    mirror.replace(Change("vdi", image.ref, image) for image in images)
    return mirror


@pytest.mark.parametrize(
    ("images", "length"),
    [
        ([an_image("a")], 1),
        ([an_image("a", "b"), an_image("b", "c"), an_image("c")], 3),
        ([an_image("a", "gone")], 1),
        ([an_image("a", "b"), an_image("b", "a")], 2),
    ],
)
async def test_a_chain_is_followed_as_far_as_its_parents_are_known(
    images: list[VdiRecord], length: int
) -> None:
    assert disks.chain(a_chain(*images), images[0]) == length
