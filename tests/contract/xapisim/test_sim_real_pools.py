"""Two real pools' databases of the XenServer 6 era: served whole, and their VMs move."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

POOLS = Path(__file__).parents[4] / "shared" / "xapi" / "pools"
TAMPA = POOLS / "tampa-poolof16and23.xml"
BOSTON = POOLS / "boston-twohosts.xml"
COORDINATORS = {TAMPA: "dt16", BOSTON: "grimsby"}

pytestmark = pytest.mark.skipif(
    not POOLS.is_dir(), reason="the databases of real pools are not beside this checkout"
)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(TAMPA, BOSTON, time_factor=20) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "dt16")


def rows(path: Path) -> dict[str, set[str]]:
    """The handles of every table that has rows."""
    tables = re.findall(r'<table name="(\w+)">(.*?)</table>', path.read_text(), re.DOTALL)
    return {name: set(re.findall(r'<row ref="(.*?)"', body)) for name, body in tables}


@pytest.fixture(scope="module", autouse=True)
def served(sim: Simulator) -> dict[str, dict[str, set[str]]]:
    """What each pool serves of every table before anything happens."""
    found = {}
    for path, host in COORDINATORS.items():
        api = Client(sim, host).api
        names = rows(path).keys() - {"user"}
        found[path.name] = {name: set(getattr(api, name).get_all_records()) for name in names}
    return found


@pytest.mark.parametrize("path", COORDINATORS)
def test_every_row_of_every_table_is_served(
    served: dict[str, dict[str, set[str]]], path: Path
) -> None:
    """`user` has no get_all; xapi has none either."""
    in_file = {name: refs for name, refs in rows(path).items() if name != "user"}

    assert served[path.name] == in_file


def test_the_vm_on_shared_storage_moves(client: Client, sim: Simulator) -> None:
    record = client.wait(client.migrate("16shared", "dt23", live="true"))

    assert record["status"] == "success"
    assert client.where("16shared") == "dt23"
    assert sim.where("16shared") == ["dt23"]


def test_the_vm_on_local_storage_is_refused_with_the_sr_that_holds_it(client: Client) -> None:
    details = client.failure(
        client.api.VM.pool_migrate, client.vm("16local"), client.host("dt23"), {}
    )

    assert details[:2] == ["VM_REQUIRES_SR", client.vm("16local")]
    assert client.api.SR.get_name_label(details[2]) == "Local storage"


def test_addresses_of_a_real_pool_stay_and_its_members_still_lead_to_the_coordinator(
    client: Client, sim: Simulator
) -> None:
    assert client.api.host.get_address(client.host("dt16")) == "10.80.227.166"
    member = Client.failure(client, lambda: Client(sim, "dt23"))
    assert f"http://{member[1]}" == sim.endpoints["dt16"]


def test_hosts_without_metrics_get_live_ones_with_room(sim: Simulator) -> None:
    client = Client(sim, "grimsby")

    for host in client.api.host.get_all():
        metrics = client.api.host_metrics.get_record(client.api.host.get_metrics(host))
        assert metrics["live"] is True
        assert int(client.api.host.compute_free_memory(host)) > 0
    assert "has no host_metrics: made one" in sim.log()
