"""A toolstack restarted in the middle of a migration, as recorded on xapi 26.17."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.contract.xapisim.client import Client
from tests.contract.xapisim.lone_host import login
from tests.support.sim import Simulator

WORLDS = Path(__file__).parents[3] / "deploy" / "worlds"
VMS = ("web-1", "db-1", "cache-1")


def start_move(client: Client, vm: str, host: str) -> tuple[str, str]:
    """A migration in the middle of its copy, and the fault that holds it there."""
    hold = client.sim.fault(fault="hold", phase="precopy", vm=vm)
    task = client.migrate(vm, host)
    client.until(lambda: client.api.task.get_progress(task) > 0)
    return task, hold


@dataclass
class Aftermath:
    """The coordinator's toolstack was killed while VMs moved away from it."""

    client: Client
    old_session: str
    tasks: list[str]
    just_after: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The VMs' records when the API answers again and the copies are still going on."""


@pytest.fixture(scope="module")
def aftermath() -> Iterator[Aftermath]:
    with Simulator(WORLDS / "demo.toml", lockstep=True) as sim:
        before = Client(sim, "xs1")
        before.move("cache-1", "xs1")
        started = [start_move(before, vm, "xs2") for vm in VMS]
        sim.fault(fault="restart_toolstack", host="xs1")
        lost = Aftermath(login(sim, "xs1"), before.session.handle, [s[0] for s in started])
        for vm in VMS:
            lost.just_after[vm] = lost.client.api.VM.get_record(lost.client.vm(vm))
        sim.clear_faults()
        for vm in VMS:
            lost.client.until(lambda vm=vm: looks_halted(lost.client, vm))
        yield lost


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLDS / "demo.toml", lockstep=True) as simulator:
        yield simulator


def looks_halted(client: Client, vm: str) -> bool:
    state: str = client.api.VM.get_power_state(client.vm(vm))
    return state == "Halted"


def test_when_the_api_answers_again_sessions_and_tasks_are_gone(aftermath: Aftermath) -> None:
    api = aftermath.client.session

    reply = api.VM.get_all(aftermath.old_session)

    assert reply["ErrorDescription"] == ["SESSION_INVALID", aftermath.old_session]
    for task in aftermath.tasks:
        details = aftermath.client.failure(aftermath.client.api.task.get_record, task)
        assert details == ["HANDLE_INVALID", "task", task]


def test_the_vm_then_looks_as_if_it_had_never_moved(aftermath: Aftermath) -> None:
    xs1 = aftermath.client.host("xs1")

    for record in aftermath.just_after.values():
        assert (record["power_state"], record["resident_on"]) == ("Running", xs1)
        assert record["current_operations"] == {}
        assert record["scheduled_to_be_resident_on"] == "OpaqueRef:NULL"


def test_the_copy_goes_on_and_the_database_calls_a_running_guest_halted(
    aftermath: Aftermath,
) -> None:
    assert aftermath.client.where("cache-1") == ""
    assert looks_halted(aftermath.client, "cache-1")
    assert aftermath.client.sim.where("cache-1") == ["xs2"]


def test_starting_the_vm_then_makes_a_second_live_copy(aftermath: Aftermath) -> None:
    client = aftermath.client

    client.api.VM.start_on(client.vm("web-1"), client.host("xs1"), False, False)

    assert sorted(client.sim.where("web-1")) == ["xs1", "xs2"]


def test_restarting_the_destination_makes_it_adopt_the_guest(sim: Simulator) -> None:
    before = Client(sim, "xs1")
    start_move(before, "db-1", "xs2")
    sim.fault(fault="restart_toolstack", host="xs1")
    client = login(sim, "xs1")
    sim.clear_faults()
    client.until(lambda: looks_halted(client, "db-1"))

    sim.fault(fault="restart_toolstack", host="xs2")

    client.until(lambda: client.where("db-1") == "xs2")
    assert client.api.VM.get_power_state(client.vm("db-1")) == "Running"
    assert sim.where("db-1") == ["xs2"]


def test_a_member_that_was_the_source_fails_the_task_and_moves_the_guest_all_the_same(
    sim: Simulator,
) -> None:
    client = Client(sim, "xs1")
    task, hold = start_move(client, "cache-1", "xs1")

    sim.fault(fault="restart_toolstack", host="xs2")

    record = client.wait(task)
    assert record["error_info"] == ["CANNOT_CONTACT_HOST", client.host("xs2")]
    assert client.where("cache-1") == "xs2"
    assert client.api.VM.get_current_operations(client.vm("cache-1")) == {}
    sim.lift(hold)
    client.until(lambda: looks_halted(client, "cache-1"))
    assert sim.where("cache-1") == ["xs1"]


def test_a_destination_that_restarts_can_fail_the_task_of_a_vm_that_arrived(
    sim: Simulator,
) -> None:
    client = Client(sim, "xs1")
    task, hold = start_move(client, "web-1", "xs2")

    sim.fault(fault="restart_toolstack", host="xs2")
    sim.lift(hold)

    assert client.wait(task)["status"] == "failure"
    assert client.where("web-1") == "xs2"
    assert sim.where("web-1") == ["xs2"]


def test_a_new_move_waits_for_the_copy_nobody_sees_and_makes_no_second_one(
    sim: Simulator,
) -> None:
    before = Client(sim, "xs1")
    _, hold = start_move(before, "web-1", "xs2")
    sim.fault(fault="restart_toolstack", host="xs1")
    client = login(sim, "xs1")
    again = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.VM.get_current_operations(client.vm("web-1")))

    sim.lift(hold)

    record = client.wait(again)
    assert record["status"] == "failure"
    assert record["error_info"][0] == "INTERNAL_ERROR"
    assert sim.where("web-1") == ["xs2"]
