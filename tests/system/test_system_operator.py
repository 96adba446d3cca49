"""What an operator gets from ferryctl against the real services: exit codes and explanations."""

import json
import uuid

import pytest

from deploy.demo import simulator
from ferryctl import exits
from tests.support.operator import Operator
from tests.support.stack import Stack, differences, wait_at_rest


@pytest.fixture
def operator(shared_stack: Stack, capfd: pytest.CaptureFixture[str]) -> Operator:
    """Return an operator at the shared stack."""
    return Operator(shared_stack, capfd)


REFUSALS = [
    ("local-1", "xs3", "DEST_OLDER"),
    ("big-1", "xs3", "INSUFFICIENT_MEMORY"),
    ("local-1", "xs1", "DEST_IS_SOURCE"),
    ("parked-1", "xs1", "INSTANCE_NOT_RUNNING"),
]


@pytest.mark.parametrize(("instance", "dest", "reason"), REFUSALS)
def test_a_refusal_exits_with_4_and_leaves_nothing(
    operator: Operator, instance: str, dest: str, reason: str
) -> None:
    before = operator.types("list", "--all", "-o", "json").stdout

    ran = operator.types("migrate", instance, "--to", dest)

    assert ran.returncode == exits.REFUSED, ran.stderr
    assert reason in ran.stderr
    assert ran.stdout == ""
    assert operator.types("list", "--all", "-o", "json").stdout == before
    assert differences(operator.stack) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("migrate", str(uuid.uuid4()), "--to", "xs2"), exits.NOT_FOUND),
        (("migrate", "web-1", "--to", "no-such-host"), exits.NOT_FOUND),
        (("show", str(uuid.uuid4())), exits.NOT_FOUND),
        (("show", "not-a-uuid"), exits.USAGE),
        (("migrate", "web-1", "--to", ""), exits.USAGE),
        (("migrate", "web-1", "--to", "xs2", "--request-id", "not-a-uuid"), exits.USAGE),
        (("check", "local-1", "--to", "xs3"), exits.REFUSED),
        (("check", "web-1"), exits.OK),
        (("migrate", "big-1", "--to", "xs1", "--validate-only"), exits.OK),
        (("hosts", "--controller", "127.0.0.1:9"), exits.UNAVAILABLE),
    ],
)
def test_the_exit_code_tells_the_status(
    operator: Operator, words: tuple[str, ...], code: int
) -> None:
    ran = operator.types(*words)

    assert ran.returncode == code, ran.stdout + ran.stderr


def test_every_violation_comes_at_once(operator: Operator) -> None:
    ran = operator.types("migrate", "web-1", "--to", "", "--request-id", "no", "-o", "json")

    violations = json.loads(ran.stderr)["error"]["violations"]
    assert {one["subject"] for one in violations} == {"dest", "request_id"}


def test_check_shows_what_was_measured_for_every_host(operator: Operator) -> None:
    ran = operator.types("check", "local-1", "--no-block")

    for host in ("xs1", "xs2", "xs3"):
        assert f"local-1 can't move to {host}" in ran.stdout
    assert "STORAGE_NOT_SHARED" in ran.stdout
    assert "DEST_IS_SOURCE" in ran.stdout


def test_a_move_that_xapi_fails_exits_with_10_and_the_guest_stays(operator: Operator) -> None:
    simulator.arm(operator.stack.control, fault="fail_migration", phase="precopy", vm="cache-1")

    ran = operator.types("migrate", "cache-1", "--to", "xs1", "--watch")

    assert ran.returncode == exits.STAYED, ran.stdout + ran.stderr
    assert "cache-1 stays on xs2" in ran.stdout
    assert differences(operator.stack) == []


def test_a_second_migration_of_a_moving_instance_is_refused(operator: Operator) -> None:
    simulator.arm(operator.stack.control, fault="hold", phase="precopy", vm="cache-1")
    first = json.loads(operator.types("migrate", "cache-1", "--to", "xs1", "-o", "json").stdout)

    second = operator.types("migrate", "cache-1", "--to", "xs1", "-o", "json")
    simulator.lift_all(operator.stack.control)
    wait_at_rest(operator.stack, first["migration_id"])
    back = operator.types("migrate", "cache-1", "--to", "xs2", "--watch")

    assert second.returncode in (exits.REFUSED, exits.CONFLICT)
    assert "INSTANCE_BUSY" in second.stderr
    assert back.returncode == exits.OK, back.stdout + back.stderr


def test_the_same_request_id_is_the_same_migration_and_another_body_is_refused(
    operator: Operator,
) -> None:
    again = ("--request-id", str(uuid.uuid4()), "-o", "json")
    first = json.loads(operator.types("migrate", "cache-1", "--to", "xs1", *again).stdout)
    wait_at_rest(operator.stack, first["migration_id"])

    repeat = json.loads(operator.types("migrate", "cache-1", "--to", "xs1", *again).stdout)
    other = operator.types("migrate", "cache-1", "--to", "xs2", *again)
    back = operator.types("migrate", "cache-1", "--to", "xs2", "--watch")

    assert repeat["migration_id"] == first["migration_id"]
    assert other.returncode == exits.USAGE
    assert json.loads(other.stderr)["error"]["reason"] == "REQUEST_ID_REUSED"
    assert back.returncode == exits.OK, back.stdout + back.stderr
