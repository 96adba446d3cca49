"""event.from: dumps, increments, filters, tokens, coalescing, and who is woken."""

from typing import Any

from tests.contract.xapisim.client import Client, sent
from tests.support.replay_wire import Exchange
from tests.support.sim import Simulator
from tests.support.sim_time import SimulatedTime


def token_now(client: Client) -> str:
    (pool,) = client.api.pool.get_all()
    return str(client.api.event.inject("pool", pool))


def test_the_first_look_is_everything_there_is(client: Client) -> None:
    reply = client.events(["vm", "host"], "", 0.0)

    added = {(event["class"], event["ref"]) for event in reply["events"]}
    assert {event["operation"] for event in reply["events"]} == {"add"}
    assert ("vm", client.vm("web-1")) in added
    assert len([ref for name, ref in added if name == "host"]) == 3
    assert reply["valid_ref_counts"]["vm"] == len(client.api.VM.get_all())


def test_classes_are_read_in_any_letter_case_and_nonsense_times_out(client: Client) -> None:
    lower = client.events(["vm"], "", 0.0)["events"]

    assert len(client.events(["VM"], "", 0.0)["events"]) == len(lower)
    assert client.events(["nosuch"], "", 0.1)["events"] == []
    assert client.events([""], "", 0.1)["events"] == []


def test_changes_of_one_object_come_as_one_event_with_the_last_state(client: Client) -> None:
    vm = client.vm("parked-1")
    token = token_now(client)

    for text in ("a", "b", "c"):
        client.api.VM.set_name_description(vm, text)

    (event,) = client.events(["vm"], token, 2.0)["events"]
    assert (event["operation"], event["ref"]) == ("mod", vm)
    assert event["snapshot"]["name_description"] == "c"
    assert event["timestamp"] == "0.0"


def test_an_old_token_tells_the_same_again(client: Client) -> None:
    vm = client.vm("parked-1")
    token = token_now(client)
    client.api.VM.set_name_description(vm, "again")

    first = client.events(["vm"], token, 1.0)
    second = client.events(["vm"], token, 1.0)

    assert first["events"] == second["events"]
    assert client.events(["vm"], first["token"], 0.1)["events"] == []


def test_an_object_filter_lets_only_that_object_through(client: Client) -> None:
    token = token_now(client)
    watched = [f"VM/{client.vm('parked-1')}"]

    client.api.VM.set_name_description(client.vm("db-1"), "not me")
    assert client.events(watched, token, 0.1)["events"] == []

    client.api.VM.set_name_description(client.vm("parked-1"), "me")
    (event,) = client.events(watched, token, 1.0)["events"]
    assert event["ref"] == client.vm("parked-1")


def test_a_deleted_object_comes_without_snapshot_and_only_to_those_who_knew_it(
    client: Client,
) -> None:
    before = token_now(client)
    task = client.api.task.create("short", "")
    known = client.events(["task"], before, 1.0)["token"]
    client.api.task.set_status(task, "success")
    client.api.task.destroy(task)

    events = client.events(["task"], known, 1.0)["events"]

    assert [(event["operation"], event["ref"]) for event in events] == [("del", task)]
    assert "snapshot" not in events[0]
    assert client.events([f"task/{task}"], before, 0.1)["events"] == []


def test_a_garbled_token_is_refused(client: Client) -> None:
    details = client.failure(client.events, ["vm"], "x", 0.1)

    assert details == ["EVENT_FROM_TOKEN_PARSE_FAILURE", "x"]


def test_inject_makes_an_event_and_wants_the_class_spelled_right(client: Client) -> None:
    vm = client.vm("parked-1")

    token = client.api.event.inject("VM", vm)

    (event,) = client.events([f"vm/{vm}"], token, 1.0)["events"]
    assert event["operation"] == "mod"
    assert client.failure(client.api.event.inject, "vm", vm) == ["HANDLE_INVALID", "vm", vm]


def test_a_waiting_client_is_woken_by_a_change(client: Client, sim: Simulator) -> None:
    token = token_now(client)
    poll, time = waiting(client, token)

    before = time.passes(5.0)
    client.api.VM.set_name_description(client.vm("parked-1"), "wake")
    after = time.passes(1.0)

    (event,) = poll.reply()["result"]["events"]
    assert event["snapshot"]["name_description"] == "wake"
    assert (before, after) == ([], [poll])


def test_a_quiet_pool_lets_the_wait_run_out(client: Client) -> None:
    poll, time = waiting(client, token_now(client))

    early, late = time.passes(9.9), time.passes(0.2)

    assert (early, late) == ([], [poll])
    assert poll.reply()["result"]["events"] == []


def test_a_logout_ends_the_session_s_wait(client: Client, sim: Simulator) -> None:
    other = Client(sim, "xs1")
    handle = other.session.handle
    poll, time = waiting(other, token_now(client))

    before = time.passes(5.0)
    other.session.logout()
    after = time.passes(1.0)

    error = poll.reply()["error"]
    assert [error["message"], *error["data"]] == ["SESSION_INVALID", handle]
    assert (before, after) == ([], [poll])


def waiting(client: Client, token: str) -> tuple[Exchange, SimulatedTime]:
    """Ten seconds for a change of a VM."""
    time = SimulatedTime(client.sim)
    time.passes(0.0)
    poll = sent(client, "event.from", ["vm"], token, 10.0)
    time.add(poll)
    return poll, time


def test_messages_have_a_token_of_their_own_and_no_id(client: Client) -> None:
    client.move("cache-1", "xs2")
    token = client.events(["message"], "", 0.0)["token"]

    client.move("cache-1", "xs1")

    events: list[dict[str, Any]] = client.events(["message"], token, 1.0)["events"]
    assert [event["id"] for event in events] == ["0"]
    assert events[0]["snapshot"]["name"] == "VM_MIGRATED"
