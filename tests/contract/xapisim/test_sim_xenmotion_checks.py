"""VM.assert_can_migrate and host.migrate_receive: the refusals recorded on xapi 26.17, and what
they don't refuse.
"""

import xmlrpc.client
from collections.abc import Iterator

import pytest

from tests.contract.xapisim import storage
from tests.contract.xapisim.client import Client
from tests.contract.xapisim.two_pools import Trip, two_pools
from tests.support.sim import Simulator

NOWHERE = "OpaqueRef:nowhere"


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with two_pools(tmp_path_factory.mktemp("worlds")) as simulator:
        yield simulator


@pytest.fixture
def across(near: Client, far: Client) -> Trip:
    return Trip(near, far, "f1")


@pytest.fixture
def inside(near: Client) -> Trip:
    return Trip(near, near, "n2")


def ask(trip: Trip, vm: str, **changes: object) -> list[str]:
    """The refusal of a request that differs from a good one in what `changes` says."""
    ticket = changes.get("ticket", trip.ticket)
    srs = changes.get("srs", {})
    vifs = changes.get("vifs", trip.interfaces(vm))
    call = trip.near.api.VM.assert_can_migrate
    return trip.near.failure(call, trip.near.vm(vm), ticket, True, srs, vifs, {})


def test_the_ticket_names_host_session_and_coordinator(far: Client, across: Trip) -> None:
    ticket = across.ticket

    assert ticket["host"] == far.host("f1")
    assert far.api.session.get_originator(ticket["session_id"]) == "xapi"
    for service in ("SM", "xenops"):
        assert ticket[service].endswith(f"/services/{service}?session_id={ticket['session_id']}")
    assert ticket["master"] == f"http://{far.api.host.get_address(far.host('f1'))}"


def test_a_ticket_needs_a_network_of_the_host(far: Client) -> None:
    (network,) = far.api.network.get_by_name_label("lan")
    host = far.host("f1")
    ask_for = far.api.host.migrate_receive

    assert far.failure(ask_for, NOWHERE, network, {}) == ["HANDLE_INVALID", "host", NOWHERE]
    assert far.failure(ask_for, host, NOWHERE, {}) == ["HANDLE_INVALID", "network", NOWHERE]


def test_every_disk_has_to_be_in_the_map_also_inside_the_pool(
    near: Client, across: Trip, inside: Trip
) -> None:
    for trip in (across, inside):
        refused = ask(trip, "many-1")
        assert refused == ["VDI_NOT_IN_MAP", storage.disks_of(near, "many-1")[0]]


def test_interfaces_are_mapped_to_another_pool_and_never_inside(
    near: Client, across: Trip, inside: Trip
) -> None:
    (vif,) = near.api.VM.get_VIFs(near.vm("many-1"))
    moved = across.disks("many-1", "depot")

    assert ask(across, "many-1", srs=moved, vifs={}) == ["VIF_NOT_IN_MAP", vif]
    stays = inside.disks("many-1", "shared")
    refused = ask(inside, "many-1", srs=stays, vifs={vif: across.network})
    assert refused[0] == "OPERATION_NOT_ALLOWED"
    bad = ask(across, "many-1", srs=moved, vifs={NOWHERE: across.network})
    assert bad == ["HANDLE_INVALID", "VIF", NOWHERE]


def test_an_sr_without_mirrors_takes_no_disk(near: Client, far: Client, across: Trip) -> None:
    moved = across.disks("many-1", "discs")

    refused = ask(across, "many-1", srs=moved)

    discs = storage.sr(far, "discs")
    assert refused == ["SR_DOES_NOT_SUPPORT_MIGRATION", discs, "VDI_SNAPSHOT;VDI_MIRROR_IN"]
    lost = dict.fromkeys(moved, storage.sr(near, "shared"))
    assert ask(across, "many-1", srs=lost)[:2] == ["HANDLE_INVALID", "SR"]


@pytest.mark.parametrize(
    ("member", "value", "refusal"),
    [
        ("host", NOWHERE, ["HANDLE_INVALID", "host", NOWHERE]),
        ("master", "http://192.0.2.1", ["INTERNAL_ERROR", "Connection failed: no route to host."]),
        ("master", "banana", ["INTERNAL_ERROR"]),
        ("host", None, ["INTERNAL_ERROR", "Not_found"]),
    ],
)
def test_a_ticket_that_is_wrong_is_refused(
    across: Trip, member: str, value: str | None, refusal: list[str]
) -> None:
    ticket = {**across.ticket, member: value}
    given = {key: word for key, word in ticket.items() if word is not None}

    refused = ask(across, "many-1", srs=across.disks("many-1", "depot"), ticket=given)

    assert refused[: len(refusal)] == refusal


def test_a_disabled_destination_is_refused_in_both_pools(
    near: Client, far: Client, across: Trip, inside: Trip
) -> None:
    near.api.host.disable(near.host("n2"))
    far.api.host.disable(far.host("f1"))

    refusals = [
        ask(across, "many-1", srs=across.disks("many-1", "depot")),
        ask(inside, "many-1", srs=inside.disks("many-1", "shared")),
    ]

    near.api.host.enable(near.host("n2"))
    far.api.host.enable(far.host("f1"))
    expected = [["HOST_DISABLED", far.host("f1")], ["HOST_DISABLED", near.host("n2")]]
    assert refusals == expected


def test_a_copy_is_for_halted_vms_alone(near: Client, across: Trip) -> None:
    refused = near.failure(lambda: across.ask("many-1", "depot", copy="true"))

    assert refused == ["VM_BAD_POWER_STATE", near.vm("many-1"), "halted", "running"]
    across.ask("parked", "depot", copy="true")


def test_a_namesake_at_the_destination_is_in_the_way(near: Client, far: Client) -> None:
    seed = near.api.VM.get_other_config(near.vm("parked"))["mac_seed"]
    record = {**near.api.VM.get_record(near.vm("parked")), "name_label": "twin"}
    twin = far.api.VM.create({key: word for key, word in record.items() if key != "uuid"})

    refused = near.failure(lambda: Trip(near, far, "f1").ask("parked", "depot"))

    assert refused == ["DUPLICATE_MAC_SEED", seed]
    far.api.VM.destroy(twin)


def test_a_stale_session_in_the_ticket_is_named_as_if_it_were_ones_own(across: Trip) -> None:
    stale = {**across.ticket, "session_id": NOWHERE}

    with pytest.raises(xmlrpc.client.Fault, match="Tried 3 times"):
        ask(across, "many-1", srs=across.disks("many-1", "depot"), ticket=stale)


def test_the_move_refuses_what_the_check_let_pass(near: Client, across: Trip) -> None:
    near.api.VM.pause(near.vm("many-3"))
    across.ask("many-3", "depot")

    task = near.wait(across.send("many-3", "depot"))

    expected = ["VM_BAD_POWER_STATE", near.vm("many-3"), "halted, suspended, running", "paused"]
    assert task["error_info"] == expected
    toolless = near.wait(across.send("bare"))
    assert toolless["error_info"] == ["VM_LACKS_FEATURE", near.vm("bare")]
