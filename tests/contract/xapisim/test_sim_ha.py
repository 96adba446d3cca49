"""High availability: what it takes, what its plan refuses, and what it does when a host fails."""

from collections.abc import Iterator

import pytest

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import address, answer, login
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "trio"
[[host]]
name = "h1"
memory = "8 GiB"
[[host]]
name = "h2"
memory = "8 GiB"
[[host]]
name = "h3"
memory = "8 GiB"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[sr]]
name = "h2-local"
host = "h2"
[[vm]]
name = "vital-{n}"
count = 2
memory = "1 GiB"
host = "h2"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "spare"
memory = "1 GiB"
host = "h2"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "local"
memory = "512 MiB"
host = "h2"
disks = [{ sr = "h2-local", size = "1 GiB" }]
[[vm]]
name = "half"
memory = "3584 MiB"
state = "Halted"
disks = [{ sr = "shared", size = "1 GiB" }]
[[vm]]
name = "big"
memory = "4 GiB"
state = "Halted"
disks = [{ sr = "shared", size = "1 GiB" }]
"""
FAST = 300.0
VITAL = ("vital-1", "vital-2")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def guarded() -> Iterator[Client]:
    """HA that tolerates two failures, in a pool where nothing fails."""
    with Simulator(WORLD, lockstep=True) as simulator:
        client = Client(simulator, "h1")
        protect(client, tolerated=2)
        yield client


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim, "h1")


def sr(client: Client, name: str) -> str:
    (ref,) = client.api.SR.get_by_name_label(name)
    return str(ref)


def pool(client: Client) -> str:
    (ref,) = client.api.pool.get_all()
    return str(ref)


def protect(client: Client, tolerated: int = 1) -> None:
    """HA on, with the vital guests protected."""
    client.api.pool.enable_ha([sr(client, "shared")], {})
    for name in VITAL:
        client.api.VM.set_ha_restart_priority(client.vm(name), "restart")
    client.api.pool.set_ha_host_failures_to_tolerate(pool(client), str(tolerated))


def test_ha_is_switched_on_over_shared_storage_and_off_again(client: Client) -> None:
    local = client.failure(client.api.pool.enable_ha, [sr(client, "h2-local")], {})
    client.api.pool.enable_ha([sr(client, "shared")], {"timeout": "60"})

    on = client.api.pool.get_record(pool(client))
    twice = client.failure(client.api.pool.enable_ha, [], {})
    client.api.pool.disable_ha()
    off = client.api.pool.get_record(pool(client))

    assert local == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr(client, "h2-local")]
    assert (on["ha_enabled"], on["ha_configuration"]) == (True, {"timeout": "60"})
    assert len(on["ha_statefiles"]) == 1
    assert twice == ["HA_IS_ENABLED"]
    assert (off["ha_enabled"], off["ha_statefiles"]) == (False, [])
    assert client.failure(client.api.pool.disable_ha) == ["HA_NOT_ENABLED"]


def test_only_agile_guests_can_be_protected(guarded: Client) -> None:
    error = guarded.failure(guarded.api.VM.set_ha_restart_priority, guarded.vm("local"), "restart")
    odd = guarded.failure(guarded.api.VM.set_ha_restart_priority, guarded.vm("local"), "sometimes")

    assert error == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr(guarded, "h2-local")]
    assert odd == ["INVALID_VALUE", "ha_restart_priority", "sometimes"]


def test_no_more_failures_can_be_tolerated_than_there_is_a_plan_for(guarded: Client) -> None:
    most = int(guarded.api.pool.ha_compute_max_host_failures_to_tolerate())
    error = guarded.failure(
        guarded.api.pool.set_ha_host_failures_to_tolerate, pool(guarded), str(most + 1)
    )

    assert most == 2
    assert error == ["HA_NO_PLAN"]
    assert guarded.api.pool.ha_failover_plan_exists(str(most))
    assert guarded.api.pool.get_ha_plan_exists_for(pool(guarded)) == "2"


def test_membership_does_not_change_while_ha_is_on(guarded: Client) -> None:
    assert guarded.failure(guarded.api.pool.eject, guarded.host("h3")) == ["HA_IS_ENABLED"]
    designate = guarded.api.pool.designate_new_master
    assert guarded.failure(designate, guarded.host("h2")) == ["HA_IS_ENABLED"]


def test_protected_guests_of_a_dead_host_run_elsewhere_and_others_are_halted(
    sim: Simulator, client: Client
) -> None:
    protect(client)

    sim.fault(fault="host_death", host="h2")

    client.until(lambda: all(client.where(name) not in ("", "h2") for name in VITAL))
    for name in VITAL:
        assert sim.where(name) == [client.where(name)]
    assert client.api.VM.get_power_state(client.vm("spare")) == "Halted"
    assert sim.where("spare") == []
    metrics = client.api.host.get_metrics(client.host("h2"))
    assert client.api.host_metrics.get_live(metrics) is False


def test_a_best_effort_guest_is_started_if_there_is_room(sim: Simulator, client: Client) -> None:
    protect(client)
    client.api.VM.set_ha_restart_priority(client.vm("spare"), "best-effort")

    sim.fault(fault="host_death", host="h2")

    client.until(lambda: sim.where("spare"))
    assert sim.where("spare") == [client.where("spare")]


def test_a_dead_coordinator_is_replaced_without_anybody_asking(
    sim: Simulator, client: Client
) -> None:
    protect(client)

    sim.fault(fault="host_death", host="h1")

    def led() -> str:
        for host in ("h2", "h3"):
            if answer(sim, host) == []:
                return host
        return ""

    new = login(sim, client.until(led))
    assert new.host("h1") != new.api.pool.get_master(pool(new))
    assert new.api.pool.get_ha_enabled(pool(new))


def test_a_host_that_lost_its_peers_resets_itself_so_that_nothing_runs_twice(
    sim: Simulator, client: Client
) -> None:
    protect(client)

    cut = sim.fault(fault="partition", plane="management", host="h2")

    client.until(lambda: all(client.where(name) not in ("", "h2") for name in VITAL))
    for name in VITAL:
        assert sim.where(name) == [client.where(name)]
    sim.lift(cut)
    client.until(lambda: answer(sim, "h2") == ["HOST_IS_SLAVE", address(sim, "h1")])
    assert [one for one in sim.domains() if one["host"] == "h2"] == []


def test_restarts_can_be_held_back(sim: Simulator, client: Client) -> None:
    protect(client)
    client.api.pool.ha_prevent_restarts_for("100000")

    sim.fault(fault="host_death", host="h2")
    client.until(lambda: client.where("vital-1") == "")
    before = sim.where("vital-1")
    client.api.pool.ha_prevent_restarts_for("0")

    assert before == []
    client.until(lambda: sim.where("vital-1"))


def test_what_would_break_the_plan_is_refused(guarded: Client) -> None:
    broken = ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]

    assert guarded.failure(guarded.api.host.disable, guarded.host("h3")) == broken
    start = guarded.api.VM.start_on
    guarded.api.VM.set_ha_restart_priority(guarded.vm("big"), "best-effort")
    for_big = guarded.failure(start, guarded.vm("big"), guarded.host("h1"), False, False)
    assert for_big == broken


def test_a_move_that_would_break_the_plan_is_refused_unless_the_pool_may_be_overcommitted(
    client: Client,
) -> None:
    client.api.VM.start_on(client.vm("half"), client.host("h1"), False, False)
    protect(client, tolerated=2)
    spare, h1 = client.vm("spare"), client.host("h1")

    refused = client.failure(client.api.VM.pool_migrate, spare, h1, {})
    client.api.pool.set_ha_allow_overcommit(pool(client), True)
    client.api.VM.pool_migrate(spare, h1, {})

    assert refused == ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]
    assert client.where("spare") == "h1"


def test_an_unprotected_guest_keeps_its_host_from_being_emptied(guarded: Client) -> None:
    reasons = guarded.api.host.get_vms_which_prevent_evacuation(guarded.host("h2"))

    spare = guarded.vm("spare")
    assert reasons[spare] == ["HOST_EVACUATE_VM_NOT_HA_PROTECTED", spare]
    assert guarded.vm("vital-1") not in reasons


def test_the_failover_plan_says_where_guests_would_go(guarded: Client) -> None:
    guests = [guarded.vm(name) for name in VITAL]

    plan = guarded.api.pool.ha_compute_vm_failover_plan([guarded.host("h2")], guests)

    assert set(plan) == set(guests)
    assert {entry["host"] for entry in plan.values()} <= {guarded.host("h1"), guarded.host("h3")}
