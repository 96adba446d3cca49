"""Faults by name: each does what it says, and the trace and the domains tell the truth about it."""

import http.client
import json
from typing import Any

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import PATIENCE_S, Simulator


def domains_of(sim: Simulator, vm: str) -> list[tuple[str, str]]:
    return sorted((d["host"], d["state"]) for d in sim.domains() if d["vm"] == vm)


def test_a_dropped_reply_leaves_the_call_done(client: Client, sim: Simulator) -> None:
    vm = client.vm("parked-1")
    sim.fault(fault="drop_reply", method="VM.set_name_description", nth=1)
    once = http.client.HTTPConnection(sim.endpoints["xs1"].removeprefix("http://"))

    once.request("POST", "/jsonrpc", rpc(client, "VM.set_name_description", vm, "done"))

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        once.getresponse()
    assert client.api.VM.get_name_description(vm) == "done"
    once.close()


def test_a_dropped_call_leaves_nothing_done(client: Client, sim: Simulator) -> None:
    vm = client.vm("parked-1")
    client.api.VM.set_name_description(vm, "before")
    sim.fault(fault="drop_call", method="VM.set_name_description", nth=1)
    once = http.client.HTTPConnection(sim.endpoints["xs1"].removeprefix("http://"))

    once.request("POST", "/jsonrpc", rpc(client, "VM.set_name_description", vm, "after"))

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        once.getresponse()
    assert client.api.VM.get_name_description(vm) == "before"
    once.close()


def rpc(client: Client, method: str, *params: str) -> str:
    return json.dumps({"method": method, "params": [client.session.handle, *params], "id": 1})


def test_an_error_by_method_strikes_the_nth_call_only(client: Client, sim: Simulator) -> None:
    sim.fault(fault="error", method="host.get_all", nth=2, error=["INTERNAL_ERROR", "boom"])

    assert len(client.api.host.get_all()) == 3
    assert client.failure(client.api.host.get_all) == ["INTERNAL_ERROR", "boom"]
    assert len(client.api.host.get_all()) == 3


def test_a_failure_in_the_copy_leaves_the_vm_at_its_source(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    sim.fault(fault="fail_migration", phase="precopy", vm="web-1")

    record = client.wait(client.migrate("web-1", "xs2"))

    assert record["status"] == "failure"
    assert record["error_info"][0] == "INTERNAL_ERROR"
    assert record["error_info"][1].startswith("xenopsd internal error: ")
    vm = client.api.VM.get_record(client.vm("web-1"))
    assert (vm["power_state"], vm["current_operations"]) == ("Running", {})
    assert vm["scheduled_to_be_resident_on"] == "OpaqueRef:NULL"
    assert domains_of(sim, "web-1") == [("xs1", "running")]


def test_a_failure_after_the_suspend_can_cost_the_guest(client: Client, sim: Simulator) -> None:
    error = ["INTERNAL_ERROR", "xenopsd internal error: VM.migrate: point 4"]
    sim.fault(fault="fail_migration", phase="sync4", vm="db-1", end="halted", error=error)

    record = client.wait(client.migrate("db-1", "xs2"))

    assert (record["status"], record["error_info"]) == ("failure", error)
    vm = client.api.VM.get_record(client.vm("db-1"))
    assert (vm["power_state"], vm["resident_on"]) == ("Halted", "OpaqueRef:NULL")
    assert domains_of(sim, "db-1") == []
    sim.clear_faults()
    client.api.VM.start_on(client.vm("db-1"), client.host("xs1"), False, False)


def test_a_failed_task_can_hide_a_vm_that_arrived(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    sim.fault(fault="fail_migration", phase="sync4", vm="web-1", end="dest_running")

    record = client.wait(client.migrate("web-1", "xs2"))

    assert record["status"] == "failure"
    assert client.where("web-1") == "xs2"
    assert domains_of(sim, "web-1") == [("xs2", "running")]


def test_a_held_migration_stays_where_it_is_until_it_is_let_go(
    client: Client, sim: Simulator
) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="precopy", vm="web-1")
    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    progress = client.api.task.get_progress(task)
    other = client.wait(
        client.migrate("cache-1", "xs1" if client.where("cache-1") == "xs2" else "xs2")
    )

    assert other["status"] == "success"
    assert client.api.task.get_progress(task) == progress
    assert domains_of(sim, "web-1") == [("xs1", "running"), ("xs2", "receiving")]
    sim.lift(hold)
    assert client.wait(task)["status"] == "success"


@pytest.mark.parametrize("when", ["at_once", "at_end"])
def test_a_task_row_can_vanish_while_the_work_goes_on(
    client: Client, sim: Simulator, when: str
) -> None:
    client.move("web-1", "xs1")
    sim.fault(fault="drop_task_row", vm="web-1", when=when)

    task = client.migrate("web-1", "xs2")

    client.until(lambda: client.where("web-1") == "xs2")
    client.until(lambda: not client.api.VM.get_current_operations(client.vm("web-1")))
    assert client.failure(client.api.task.get_record, task) == ["HANDLE_INVALID", "task", task]


def test_a_host_that_is_away_refuses_connections_until_it_is_back(
    client: Client, sim: Simulator
) -> None:
    away = sim.fault(fault="host_offline", host="xs3")

    with pytest.raises(ConnectionRefusedError):
        Client(sim, "xs3")

    sim.lift(away)
    client.until(lambda: answers(sim, "xs3"))


def answers(sim: Simulator, host: str) -> bool:
    connection = http.client.HTTPConnection(
        sim.endpoints[host].removeprefix("http://"), timeout=PATIENCE_S
    )
    try:
        connection.request("OPTIONS", "/jsonrpc")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_migration_stalls_while_its_destination_is_away(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="precopy", vm="web-1")
    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)
    away = sim.fault(fault="host_offline", host="xs2")
    sim.lift(hold)

    assert client.api.task.get_status(task) == "pending"
    metrics = client.api.host.get_metrics(client.host("xs2"))
    assert client.api.host_metrics.get_live(metrics) is True
    sim.lift(away)
    assert client.wait(task)["status"] == "success"


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"fault": "nonsense"}, "fault.fault: one of drop_reply"),
        ({"fault": "hold"}, "fault.phase: one of check"),
        ({"fault": "hold", "phase": "lunch"}, "fault.phase: one of check"),
        ({"fault": "drop_reply", "method": "x", "nth": 0}, "fault.nth: a whole number from 1"),
        ({"fault": "drop_reply", "method": "x", "nht": 1}, "fault.nht: unknown key"),
        ({"fault": "error", "method": "x", "error": []}, "fault.error: a list of texts"),
        ([{"fault": "hold", "phase": "sync1"}, 7], "fault[1]: an object expected"),
        ("{", "fault: an object expected"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_its_place(
    sim: Simulator, fault: Any, place: str
) -> None:
    address = sim.control.removeprefix("http://")
    control = http.client.HTTPConnection(address)

    control.request("POST", "/sim/faults", json.dumps(fault))

    reply = control.getresponse()
    assert reply.status == 400
    assert json.load(reply)["error"].startswith(place)
    control.close()


def test_the_trace_has_every_call_and_no_password(client: Client, sim: Simulator) -> None:
    number = sim.trace()[-1]["number"]
    Client(sim, "xs1").api.host.get_all()

    login, call = sim.trace(since=number)

    assert login["method"] == "session.login_with_password"
    assert login["params"][1] == "***"
    assert (call["method"], call["originator"]) == ("host.get_all", "contract-tests")
    assert (call["host"], call["outcome"]) == ("xs1", ["Success"])
