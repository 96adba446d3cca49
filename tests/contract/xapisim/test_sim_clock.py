"""A stepped clock: nothing happens until time is told to pass, and the same happens every time."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client, sent
from tests.support.sim import PATIENCE_S, Simulator
from tests.support.sim_time import SimulatedTime

WORLD = Path(__file__).parents[3] / "deploy" / "worlds" / "demo.toml"
HOUR_S = 3600.0


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, options=["--clock", "stepped"]) as simulator:
        yield simulator


def test_a_migration_moves_by_steps_alone(sim: Simulator) -> None:
    client = Client(sim, "xs1")
    task = client.migrate("web-1", "xs2")

    before = client.api.task.get_record(task)
    sim.step(0.5)
    early = client.api.task.get_record(task)
    sim.step(120)

    assert (before["status"], before["allowed_operations"]) == ("pending", [])
    assert (early["status"], early["allowed_operations"]) == ("pending", ["cancel"])
    assert client.api.task.get_status(task) == "success"
    assert client.where("web-1") == "xs2"


def test_the_hosts_show_the_stepped_time(sim: Simulator) -> None:
    client = Client(sim, "xs1")
    before = client.api.host.get_servertime(client.host("xs1")).value

    assert sim.step(HOUR_S) == HOUR_S

    after = client.api.host.get_servertime(client.host("xs1")).value
    assert int(after[9:11]) == (int(before[9:11]) + 1) % 24


def test_an_ended_task_is_destroyed_after_65_minutes(sim: Simulator) -> None:
    client = Client(sim, "xs1")
    task = client.migrate("web-1", "xs2")
    sim.step(300)

    sim.step(HOUR_S)
    assert client.api.task.get_status(task) == "success"

    sim.step(400)
    assert client.failure(client.api.task.get_status, task) == ["HANDLE_INVALID", "task", task]


def test_a_session_unused_for_a_day_is_gone(lockstep: Simulator) -> None:
    idle, busy = Client(lockstep, "xs1"), Client(lockstep, "xs1")

    for _ in range(25):
        lockstep.step(HOUR_S)
        assert busy.api.pool.get_all()

    records = busy.api.session.get_uuid
    gone = busy.failure(records, idle.session.handle)
    assert gone == ["HANDLE_INVALID", "session", idle.session.handle]


def test_an_originator_keeps_its_500_newest_sessions(sim: Simulator) -> None:
    first = Client(sim, "xs1")
    sim.step(1)
    others = [Client(sim, "xs1") for _ in range(500)]

    sim.step(30)

    gone = others[0].failure(others[0].api.session.get_uuid, first.session.handle)
    assert gone[0] == "HANDLE_INVALID"
    assert others[0].api.session.get_uuid(others[-1].session.handle)


@pytest.mark.parametrize("body", ["", "[]", '{"step_s": -1}', '{"step_s": "1"}'])
def test_nonsense_is_refused_with_what_was_expected(sim: Simulator, body: str) -> None:
    status, answer = post(sim, body)

    assert status == 400
    assert "expected" in answer["error"]


def test_a_clock_that_runs_by_itself_can_t_be_stepped() -> None:
    with Simulator(WORLD) as running:
        status, answer = post(running, json.dumps({"step_s": 1}))

    assert (status, answer["error"][:9]) == (400, "the clock")


@pytest.fixture
def lockstep() -> Iterator[Simulator]:
    with Simulator(WORLD, lockstep=True) as simulator:
        yield simulator


def test_in_lockstep_a_poll_ends_when_its_time_was_told_to_pass(lockstep: Simulator) -> None:
    client, time = Client(lockstep, "xs1"), SimulatedTime(lockstep)
    token = client.events(["task"], "", 0.0)["token"]
    time.passes(0.0)
    time.add(poll := sent(client, "event.from", ["task"], token, 30.0))

    assert time.passes(29.9) == []
    assert time.passes(600.0) == [poll]

    assert time.now_s == pytest.approx(30.0)
    assert poll.reply()["result"]["events"] == []


def test_in_lockstep_a_step_ends_with_the_call_that_is_waited_for(lockstep: Simulator) -> None:
    client, time = Client(lockstep, "xs1"), SimulatedTime(lockstep)
    time.passes(0.0)
    time.add(move := sent(client, "VM.pool_migrate", client.vm("web-1"), client.host("xs2"), {}))

    while not time.passes(HOUR_S):
        assert time.is_open(move)

    assert "error" not in move.reply()
    assert 1.0 < time.now_s < HOUR_S
    assert client.where("web-1") == "xs2"


def test_in_lockstep_time_waits_for_a_call_that_has_not_come_in_yet(lockstep: Simulator) -> None:
    client = Client(lockstep, "xs1")
    token = client.events(["task"], "", 0.0)["token"]
    received = lockstep.step_calls(0.0, 0, [])["received"]

    with ThreadPoolExecutor(1) as beside:
        step = beside.submit(lockstep.step_calls, 10.0, received + 1, [])
        poll = sent(client, "event.from", ["task"], token, 10.0)
        told = step.result()

    assert told["under_way"] == []
    assert poll.reply()["result"]["events"] == []


def post(sim: Simulator, body: str) -> tuple[int, dict[str, str]]:
    control = http.client.HTTPConnection(sim.control.removeprefix("http://"), timeout=PATIENCE_S)
    control.request("POST", "/sim/clock", body)
    reply = control.getresponse()
    answer = reply.status, json.loads(reply.read())
    control.close()
    return answer
