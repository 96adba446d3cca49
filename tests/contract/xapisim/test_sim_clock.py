"""A stepped clock: nothing happens until time is told to pass, and the same happens every time."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

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


def test_a_session_unused_for_a_day_is_gone(sim: Simulator) -> None:
    idle, busy = Client(sim, "xs1"), Client(sim, "xs1")

    for _ in range(25):
        sim.step(HOUR_S)
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


def post(sim: Simulator, body: str) -> tuple[int, dict[str, str]]:
    control = http.client.HTTPConnection(sim.control.removeprefix("http://"), timeout=10)
    control.request("POST", "/sim/clock", body)
    reply = control.getresponse()
    answer = reply.status, json.loads(reply.read())
    control.close()
    return answer
