"""Tasks as recorded: what cancelling and destroying them does, and the tasks that clients make."""

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator


def test_a_client_s_task_takes_what_the_client_writes(client: Client) -> None:
    task = client.api.task.create("my label", "my description")

    client.api.task.set_progress(task, 0.5)
    client.api.task.set_status(task, "failure")
    client.api.task.set_error_info(task, ["E", "1"])

    record = client.api.task.get_record(task)
    assert (record["name_label"], record["type"]) == ("my label", "<none/>")
    assert (record["progress"], record["status"]) == (0.5, "failure")
    assert record["error_info"] == ["E", "1"]
    client.api.task.destroy(task)
    assert client.failure(client.api.task.get_record, task) == ["HANDLE_INVALID", "task", task]


def test_a_status_that_does_not_exist_is_refused(client: Client) -> None:
    task = client.api.task.create("x", "")

    details = client.failure(client.api.task.set_status, task, "frob")

    assert details == ["INTERNAL_ERROR", 'Failure("Unknown tag/contents")']
    client.api.task.set_status(task, "success")
    client.api.task.destroy(task)


def test_cancelling_a_task_that_can_t_be_cancelled_is_no_error(client: Client) -> None:
    task = client.api.task.create("x", "")

    client.api.task.cancel(task)

    record = client.api.task.get_record(task)
    assert record["status"] == "pending"
    (asked_by,) = record["current_operations"]
    assert asked_by.startswith("DummyRef:|")
    assert asked_by.endswith("|task.cancel")


def test_destroying_a_pending_task_only_marks_it(client: Client, sim: Simulator) -> None:
    client.move("web-1", "xs1")
    hold = sim.fault(fault="hold", phase="precopy", vm="web-1")
    task = client.migrate("web-1", "xs2")
    client.until(lambda: client.api.task.get_progress(task) > 0)

    client.api.task.destroy(task)

    assert client.api.task.get_current_operations(task) == {"task": "destroy"}
    sim.lift(hold)
    assert client.wait(task)["status"] == "success"


def test_keys_of_a_task_are_its_clients_own(client: Client) -> None:
    task = client.api.task.create("x", "")

    client.api.task.add_to_other_config(task, "xenferry:migration_id", "m-1")

    assert client.api.task.get_other_config(task) == {"xenferry:migration_id": "m-1"}
    twice = client.failure(
        client.api.task.add_to_other_config, task, "xenferry:migration_id", "m-2"
    )
    assert twice[0] == "MAP_DUPLICATE_KEY"


def test_the_reply_to_a_good_asynchronous_call_is_a_task_even_when_it_will_fail(
    client: Client,
) -> None:
    bad = "OpaqueRef:00000000-0000-0000-0000-00000000bad0"

    task = client.api.Async.VM.pool_migrate(bad, bad, {})

    record = client.wait(task)
    assert record["name_label"] == "Async.VM.pool_migrate"
    assert record["error_info"] == ["HANDLE_INVALID", "VM", bad]
    assert record["finished"].value != "19700101T00:00:00Z"
