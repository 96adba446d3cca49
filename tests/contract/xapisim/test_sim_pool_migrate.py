"""VM.pool_migrate as a client lives through it: progress, record changes, queue, cancel."""

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

NULL = "OpaqueRef:NULL"


def test_a_vm_on_shared_storage_arrives_and_runs_there_only(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")

    record = client.wait(client.migrate("web-1", "xs2", live="true"))

    assert record["status"] == "success"
    assert (record["result"], record["error_info"]) == ("<value></value>", [])
    assert (record["progress"], record["allowed_operations"]) == (1.0, [])
    assert client.where("web-1") == "xs2"
    assert sim.where("web-1") == ["xs2"]


def test_devices_and_identity_survive_the_move(client: Client) -> None:
    kept = ("uuid", "VBDs", "VIFs", "guest_metrics", "last_boot_CPU_flags", "memory_dynamic_min")
    vm = client.vm("cache-1")
    before = client.api.VM.get_record(vm)

    client.move("cache-1", "xs1" if client.where("cache-1") == "xs2" else "xs2")

    after = client.api.VM.get_record(vm)
    assert {field: after[field] for field in kept} == {field: before[field] for field in kept}
    assert after["power_state"] == "Running"
    assert after["current_operations"] == {}
    assert after["consoles"] != before["consoles"]


def test_during_the_move_the_record_says_source_and_reservation(
    client: Client, sim: Simulator
) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="precopy", vm="web-1")
    xs2 = client.host("xs2")
    free = int(client.api.host.compute_free_memory(xs2))

    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    record = client.api.VM.get_record(client.vm("web-1"))
    assert record["power_state"] == "Running"
    assert record["resident_on"] == client.host("xs1")
    assert record["scheduled_to_be_resident_on"] == xs2
    assert record["current_operations"] == {task: "pool_migrate"}
    assert sorted(record["allowed_operations"]) == ["hard_reboot", "hard_shutdown"]
    assert client.api.host.get_current_operations(xs2) == {task: "vm_migrate"}
    assert client.api.VM.get_possible_hosts(client.vm("web-1")) == [xs2]
    needed = int(record["memory_dynamic_min"]) + int(record["memory_overhead"])
    assert free - int(client.api.host.compute_free_memory(xs2)) == needed
    sim.lift(hold)
    assert client.wait(task)["status"] == "success"


def test_the_pool_leaves_a_message_about_the_move(client: Client) -> None:
    client.move("web-1", "xs2")
    client.move("web-1", "xs1")

    bodies = [m["body"] for m in client.api.message.get_all_records().values()]

    uuid = client.api.VM.get_uuid(client.vm("web-1"))
    assert any(f"VM 'web-1' (uuid: {uuid}) migrated from host 'xs2'" in body for body in bodies)


def test_a_second_move_waits_for_the_first_and_then_runs(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="precopy", vm="web-1")

    first = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(first) > 0)
    second = client.migrate("web-1", "xs1")

    assert client.api.task.get_record(second)["progress"] == 0.0
    busy = client.failure(client.api.VM.assert_operation_valid, client.vm("web-1"), "pool_migrate")
    assert busy[:4] == ["OTHER_OPERATION_IN_PROGRESS", "VM", client.vm("web-1"), "pool_migrate"]
    sim.lift(hold)
    assert client.wait(first)["status"] == "success"
    assert client.wait(second)["status"] == "success"
    assert client.where("web-1") == "xs1"


def test_a_cancelled_move_leaves_the_vm_where_it_was(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    sim.fault(fault="hold", phase="precopy", vm="web-1")
    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    client.api.task.cancel(task)

    record = client.wait(task)
    assert (record["status"], record["error_info"]) == ("cancelled", [])
    vm = client.api.VM.get_record(client.vm("web-1"))
    assert vm["current_operations"] == {}
    assert vm["scheduled_to_be_resident_on"] == NULL
    assert sim.where("web-1") == ["xs1"]
    assert [d["host"] for d in sim.domains() if d["vm"] == "web-1"] == ["xs1"]


def test_a_cancel_after_the_guest_suspended_changes_nothing(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="sync2", vm="web-1")
    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) == 1.0)

    client.api.task.cancel(task)
    sim.lift(hold)

    assert client.wait(task)["status"] == "success"
    assert sim.where("web-1") == ["xs2"]


def test_a_cancel_before_the_task_can_be_cancelled_is_lost(client: Client, sim: Simulator) -> None:
    client.move("cache-1", "xs2")
    hold = sim.fault(fault="hold", phase="check", vm="cache-1")
    task = client.migrate("cache-1", "xs1")
    client.until(lambda: client.api.VM.get_current_operations(client.vm("cache-1")))

    assert client.api.task.get_allowed_operations(task) == []
    client.api.task.cancel(task)
    sim.lift(hold)

    assert client.wait(task)["status"] == "success"


def test_a_hard_shutdown_cancels_the_move_and_stops_the_guest(
    client: Client, sim: Simulator
) -> None:
    client.move("db-1", "xs1")
    sim.fault(fault="hold", phase="precopy", vm="db-1")
    task = client.migrate("db-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    client.api.VM.hard_shutdown(client.vm("db-1"))

    assert client.wait(task)["status"] == "cancelled"
    assert client.api.VM.get_power_state(client.vm("db-1")) == "Halted"
    assert sim.where("db-1") == []
    sim.clear_faults()
    client.api.VM.start_on(client.vm("db-1"), client.host("xs1"), False, False)


def test_a_synchronous_move_shows_as_a_task_that_is_gone_at_the_end(client: Client) -> None:
    client.move("cache-1", "xs2")
    dumped = client.events(["task"], "", 0.0)["token"]
    token = client.events(["task"], dumped, 0.0)["token"]

    client.api.VM.pool_migrate(client.vm("cache-1"), client.host("xs1"), {})

    tasks = client.api.task.get_all_records().values()
    assert "VM.pool_migrate" not in [task["name_label"] for task in tasks]
    assert client.events(["task"], token, 0.0)["events"] == []


def test_a_move_to_the_same_host_succeeds_with_a_new_domain(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    domid = client.api.VM.get_domid(client.vm("web-1"))

    record = client.wait(client.migrate("web-1", "xs1"))

    assert record["status"] == "success"
    assert client.api.VM.get_domid(client.vm("web-1")) != domid
    assert sim.where("web-1") == ["xs1"]


def test_unknown_options_are_accepted(client: Client) -> None:
    client.move("cache-1", "xs1")

    record = client.wait(client.migrate("cache-1", "xs2", live="banana", nonsense="1"))

    assert record["status"] == "success"
