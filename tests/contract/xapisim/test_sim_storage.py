"""SRs, PBDs and disks: what it takes to make, plug and remove them, as recorded on xapi 26.17."""

import pytest

from tests.contract.xapisim import storage
from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

UUID = "11111111-2222-4333-8444-555555555555"


def introduce(client: Client, name: str, uuid: str, kind: str = "nfs", shared: bool = True) -> str:
    return str(client.api.SR.introduce(uuid, name, "", kind, "", shared, {}))


def plug_in(client: Client, sr: str, host: str) -> str:
    record = {"host": client.host(host), "SR": sr, "device_config": {}, "other_config": {}}
    return str(client.api.PBD.create(record))


def test_an_introduced_sr_knows_no_size_until_it_is_plugged_and_scanned(client: Client) -> None:
    sr = introduce(client, "intro", UUID)

    assert client.failure(client.api.SR.scan, sr) == ["SR_HAS_NO_PBDS", sr]
    assert client.api.SR.get_physical_size(sr) == "-1"
    pbd = plug_in(client, sr, "xs1")
    client.api.PBD.plug(pbd)
    client.api.PBD.plug(pbd)
    assert "forget" not in client.api.SR.get_allowed_operations(sr)
    client.api.SR.scan(sr)

    assert client.api.SR.get_physical_size(sr) == str(2 * 2**40)
    again = client.failure(introduce, client, "again", UUID)
    assert again == ["SR_UUID_EXISTS", UUID]
    assert client.failure(client.api.SR.forget, sr) == ["SR_HAS_PBD", sr]
    client.api.PBD.unplug(pbd)
    client.api.PBD.unplug(pbd)
    client.api.SR.forget(sr)
    assert client.failure(client.api.PBD.get_record, pbd) == ["HANDLE_INVALID", "PBD", pbd]


def test_a_host_has_one_pbd_for_an_sr(client: Client) -> None:
    sr = introduce(client, "twice", "")
    pbd = plug_in(client, sr, "xs1")

    expected = ["PBD_EXISTS", sr, client.host("xs1"), pbd]

    assert client.failure(plug_in, client, sr, "xs1") == expected


def test_a_local_sr_is_plugged_at_one_host_alone(client: Client) -> None:
    sr = introduce(client, "local", "", kind="ext", shared=False)
    first, second = plug_in(client, sr, "xs1"), plug_in(client, sr, "xs2")
    client.api.PBD.plug(first)

    refused = client.failure(client.api.PBD.plug, second)

    assert refused == ["SR_NOT_SHARABLE", sr, client.host("xs1")]


def test_an_sr_without_a_driver_can_be_introduced_and_not_plugged(client: Client) -> None:
    sr = introduce(client, "odd", "", kind="nosuch")
    pbd = plug_in(client, sr, "xs1")

    assert client.failure(client.api.PBD.plug, pbd) == ["SR_UNKNOWN_DRIVER", "nosuch"]
    made = client.failure(
        client.api.SR.create, client.host("xs1"), {}, "0", "x", "", "nosuch", "", True, {}
    )
    assert made == ["SR_UNKNOWN_DRIVER", "nosuch"]


def test_a_created_shared_sr_is_plugged_at_every_host(client: Client) -> None:
    sr = storage.make_sr(client, "made")

    pbds = [client.api.PBD.get_record(ref) for ref in client.api.SR.get_PBDs(sr)]

    assert {pbd["host"] for pbd in pbds} == set(client.api.host.get_all())
    assert all(pbd["currently_attached"] for pbd in pbds)


def test_what_a_storage_driver_says_is_a_fault_by_method(client: Client, sim: Simulator) -> None:
    pbd = plug_in(client, introduce(client, "iscsi", "", kind="lvmoiscsi"), "xs1")
    error = ["SR_BACKEND_FAILURE_141", "", "Unable to connect to ISCSI service on target", ""]
    sim.fault(fault="error", method="PBD.plug", error=error, nth=1)

    assert client.failure(client.api.PBD.plug, pbd) == error
    client.api.PBD.plug(pbd)
    assert client.api.PBD.get_currently_attached(pbd) is True


def test_a_pbd_stays_plugged_while_running_guests_have_disks_there(client: Client) -> None:
    client.move("web-1", "xs1")
    sr = storage.sr(client, "nfs-1")
    for ref in client.api.SR.get_PBDs(sr):
        if client.api.PBD.get_host(ref) == client.host("xs1"):
            pbd = ref

    refused = client.failure(client.api.PBD.unplug, pbd)

    assert refused[0] == "VDI_IN_USE"
    assert set(storage.disks_of(client, "web-1")) <= set(refused[1:])


def test_a_disk_books_its_size_and_gives_it_back(client: Client) -> None:
    sr = storage.make_sr(client, "books")
    client.api.SR.scan(sr)

    vdi = storage.disk(client, sr, gib=3)

    assert int(client.api.SR.get_virtual_allocation(sr)) == 3 * storage.GIB
    assert int(client.api.SR.get_physical_utilisation(sr)) == 3 * storage.GIB
    client.api.VDI.resize(vdi, str(4 * storage.GIB))
    assert int(client.api.SR.get_virtual_allocation(sr)) == 4 * storage.GIB
    client.api.VDI.destroy(vdi)
    assert int(client.api.SR.get_physical_utilisation(sr)) == 0


def test_no_disk_goes_where_there_is_no_room(client: Client, sim: Simulator) -> None:
    sr = storage.make_sr(client, "small")
    client.api.SR.scan(sr)
    full = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]

    assert client.failure(storage.disk, client, sr, "huge", 4096) == full
    armed = sim.fault(fault="sr_full", sr="small")
    assert client.failure(storage.disk, client, sr) == full
    sim.lift(armed)
    storage.disk(client, sr)


def test_snapshots_know_their_disk_and_clones_do_not(client: Client) -> None:
    vdi = storage.disk(client, storage.make_sr(client, "copies"), "life")

    snapshot, clone = client.api.VDI.snapshot(vdi), client.api.VDI.clone(vdi)

    assert client.api.VDI.get_snapshots(vdi) == [snapshot]
    assert client.api.VDI.get_snapshot_of(snapshot) == vdi
    assert client.api.VDI.get_is_a_snapshot(clone) is False
    assert len(client.api.VDI.get_by_name_label("life")) == 3


def test_a_disk_in_use_is_not_destroyed_resized_or_forgotten(client: Client) -> None:
    vdi = storage.disks_of(client, "web-1")[0]

    assert client.failure(client.api.VDI.destroy, vdi) == ["VDI_IN_USE", vdi, "destroy"]
    assert client.failure(client.api.VDI.forget, vdi) == ["VDI_IN_USE", vdi, "forget"]
    assert client.failure(client.api.VDI.resize, vdi, "1")[0] == "VDI_IN_USE"
    assert client.api.VDI.get_allowed_operations(vdi) == ["clone", "snapshot"]


def test_an_introduced_disk_has_a_place_of_its_own(client: Client) -> None:
    sr = storage.make_sr(client, "places")
    details: list[object] = [sr, "user", False, False, {}, "there"]

    vdi = client.api.VDI.introduce("", "one", "", *details)

    refused = client.failure(client.api.VDI.introduce, "", "two", "", *details)
    assert refused == ["LOCATION_NOT_UNIQUE", sr, "there"]
    client.api.VDI.forget(vdi)
    client.api.VDI.introduce("", "two", "", *details)


@pytest.mark.parametrize("call", ["plug", "unplug", "destroy"])
def test_a_pbd_that_does_not_exist_is_an_invalid_handle(client: Client, call: str) -> None:
    refused = client.failure(getattr(client.api.PBD, call), "OpaqueRef:x")

    assert refused == ["HANDLE_INVALID", "PBD", "OpaqueRef:x"]
