"""A host joins an aggregate's pool and leaves it again, through real programs that are killed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.channels import open_sync_channel
from chassis.tls import TlsSettings
from deploy.demo import simulator
from deploy.demo.processes import wait_until
from deploy.demo.stack import CALL_S, Stack
from tests.support import nursery
from tests.support.dom0 import AGENT_VM, NORTH, PASSWORD, PLUGIN, SOUTH
from tests.support.operator import Operator
from tests.support.stack import IMPATIENT, IMPATIENT_AGENT
from xenferry.controller.v1 import aggregates_pb2, aggregates_pb2_grpc

WITHIN_S = 60.0
# A host that was ejected is waited for until it counts as dead.
INVENTORY = IMPATIENT.replace("alive_after_s = 5.0", "alive_after_s = 3.0")
TABLES = INVENTORY + "\n[aggregates]\npoll_s = 0.2\nagent_wait_s = 30\n"
SUCCEEDED = aggregates_pb2.AGGREGATE_OPERATION_PHASE_SUCCEEDED
PHASES = aggregates_pb2.AggregateOperationPhase


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Return two pools of a host each; dom0 of both has the plug-in."""
    worlds = [tmp_path / "north.toml", tmp_path / "south.toml"]
    for world, text in zip(worlds, (NORTH, SOUTH), strict=True):
        world.write_text(text + PLUGIN)
    secrets = {"user": "root", "password": PASSWORD, "scheme": "http"}
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    with Stack(
        tmp_path,
        world=worlds[0],
        more_worlds=worlds[1:],
        time_factor=100,
        controller_tables=TABLES,
        agent_tables=IMPATIENT_AGENT,
        launcher=nursery.launch,
        password=PASSWORD,
        log_level="debug",
        agent_tables_of={"s1": f'{IMPATIENT_AGENT}own_vm = "{AGENT_VM}"\n'},
        simulator_environment={
            "XENFERRY_POOL_SECRETS": str(tmp_path / "secrets.json"),
            "XENFERRY_POOL_STATE": str(tmp_path / "state"),
            "XENFERRY_POOL_RETRY_S": "0.2",
            "XENFERRY_POOL_PATIENCE_S": "20",
        },
    ) as stack:
        yield stack


def ask(stack: Stack, call: str, **given: Any) -> Any:
    """Make a call of the Aggregates service."""
    with open_sync_channel(stack.address, TlsSettings()) as channel:
        request = getattr(aggregates_pb2, f"{call}Request")(**given)
        return getattr(aggregates_pb2_grpc.AggregatesStub(channel), call)(request, timeout=CALL_S)


def follow(stack: Stack, operation_id: str, phase: str = "") -> Any:
    """Return an operation when it is in a phase, or has ended."""
    with open_sync_channel(stack.address, TlsSettings()) as channel:
        stub = aggregates_pb2_grpc.AggregatesStub(channel)
        watch = aggregates_pb2.WatchAggregatesRequest()
        for _ in stub.WatchAggregates(watch, timeout=WITHIN_S):
            wanted = aggregates_pb2.GetAggregateOperationRequest(operation_id=operation_id)
            known = stub.GetAggregateOperation(wanted, timeout=CALL_S)
            if known.HasField("end_time") or PHASES.Name(known.phase).endswith(f"_{phase}"):
                return known
    raise TimeoutError


def begin(stack: Stack) -> str:
    """Make an aggregate of the northern host, and let the southern one join; returns the id."""
    ask(stack, "CreateAggregate", name="rack")
    first = follow(stack, ask(stack, "AddHost", aggregate="rack", host="n1").operation_id)
    assert first.phase == SUCCEEDED, first
    return str(ask(stack, "AddHost", aggregate="rack", host="s1").operation_id)


def is_settled(stack: Stack) -> bool:
    """Tell whether both hosts are members of one pool and nothing differs."""
    known = ask(stack, "GetAggregate", aggregate="rack")
    return not known.drift and [host.in_pool and host.alive for host in known.hosts] == [True] * 2


def assert_joined(stack: Stack, operation_id: str) -> None:
    """The host is a member, its agent runs, and nobody wrote the password down."""
    ended = follow(stack, operation_id)
    assert (ended.phase, ended.agent_state) == (SUCCEEDED, "running"), ended
    wait_until("the pool to be as wanted", lambda: is_settled(stack), WITHIN_S, 0.1)
    assert AGENT_VM in str(simulator.living_domains(stack.control))
    assert_no_password_was_written(stack)


def assert_no_password_was_written(stack: Stack) -> None:
    """It is in no log, whatever its level, nor in the database, dom0's records or the trace."""
    files = [*stack.directory.glob("*.log"), *stack.directory.glob("*.sqlite*")]
    files += (stack.directory / "state").glob("*")
    assert {"controller.log", "agent-n1.log", "agent-s1.log", "controller.sqlite-wal"} <= {
        file.name for file in files
    }
    told = {file.name: file.read_bytes() for file in files}
    told["the trace"] = json.dumps(simulator.calls_since(stack.control)).encode()
    assert b"pool.join" in told["the trace"]
    assert [name for name, text in told.items() if PASSWORD.encode() in text] == []


@pytest.mark.parametrize("phase", ["JOINING", "WAITING_AGENT"])
def test_a_join_survives_the_death_of_the_controller(stack: Stack, phase: str) -> None:
    operation_id = begin(stack)
    follow(stack, operation_id, phase)

    stack.kill_controller()
    stack.start_controller()

    assert_joined(stack, operation_id)


def test_a_join_survives_the_death_of_the_coordinators_agent(stack: Stack) -> None:
    operation_id = begin(stack)
    follow(stack, operation_id, "JOINING")

    stack.kill_agent("n1")
    stack.start_agent("n1")

    assert_joined(stack, operation_id)


def test_an_ejection_survives_the_death_of_the_controller(
    stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    operator = Operator(stack, capfd)
    operation_id = begin(stack)
    assert_joined(stack, operation_id)

    refused = operator.types("aggregate", "remove-host", "rack", "s1")
    begun = operator.types("aggregate", "remove-host", "rack", "s1", "--confirm-wipe", "--no-wait")
    known = ask(stack, "GetAggregate", aggregate="rack").operation
    follow(stack, known.operation_id, "EJECTING")
    stack.kill_controller()
    stack.start_controller()
    removed = operator.types("aggregate", "operation", known.operation_id, "--wait")
    shown = operator.types("aggregate", "show", "rack")

    assert (refused.returncode, begun.returncode, removed.returncode) == (4, 0, 0)
    assert "WIPE_NOT_CONFIRMED" in refused.stderr
    assert "s1" not in shown.stdout
