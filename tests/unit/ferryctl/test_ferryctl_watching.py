"""Watching a migration: its ending, an outage on the way, Ctrl-C, and a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest

from chassis import errors
from chassis.tls import TlsSettings
from deploy.demo import processes
from ferryctl import exits, following
from ferryctl.session import Output, Session
from tests.unit.ferryctl import fake_controller as fake
from tests.unit.ferryctl.conftest import Run
from tests.unit.ferryctl.fake_controller import FakeController
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.controller.v1 import migration_pb2, scheduler_pb2

MOVING = migration_pb2.MIGRATION_STATE_MOVING
SUCCEEDED = migration_pb2.MIGRATION_STATE_SUCCEEDED
FERRYCTL = str(Path(sys.executable).with_name("ferryctl"))

MIGRATE = ("migrate", "web-1", "--to", "xs2", "--watch")


def moves_and_arrives() -> list[migration_pb2.Migration]:
    return [
        fake.migration(MOVING, 10.0, 2),
        fake.migration(MOVING, 60.0, 3),
        fake.migration(SUCCEEDED, 100.0, 4),
    ]


def test_a_watched_migration_that_arrives_says_where_and_how_long(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.changes = moves_and_arrives()

    ran = ferryctl(*MIGRATE)

    assert ran.code == exits.OK
    assert ran.out.splitlines()[-1] == "web-1 runs on xs2 now (12.3 s)"
    assert "xs1 → xs2  moving, memory  60 %" in ran.out


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (migration_pb2.MIGRATION_STATE_ROLLED_BACK, 10, "web-1 stays on xs1: MIGRATION_FAILED"),
        (migration_pb2.MIGRATION_STATE_CANCELLED, 10, "web-1 stays on xs1"),
        (migration_pb2.MIGRATION_STATE_STUCK, 11, "is stuck: MIGRATION_FAILED"),
    ],
)
def test_a_watched_migration_that_does_not_arrive_says_why(
    controller: FakeController,
    ferryctl: Run,
    state: fake.State,
    code: int,
    said: str,
) -> None:
    ending = fake.migration(state, 10.0, 2)
    ending.error.CopyFrom(
        finding_pb2.Finding(
            reason=reason_pb2.REASON_MIGRATION_FAILED, message="XAPI gave up", remedy="try again"
        )
    )
    controller.changes = [ending]

    ran = ferryctl(*MIGRATE)

    assert ran.code == code
    assert said in ran.out
    assert "XAPI gave up. try again" in ran.out


def test_a_migration_that_has_ended_is_not_watched(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.migrations = [fake.migration(SUCCEEDED, 100.0, 9)]

    ran = ferryctl("watch", fake.MIGRATION)

    assert ran.code == exits.OK
    assert controller.asked == []


def test_a_broken_watch_resumes_from_the_last_revision(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.changes = moves_and_arrives()
    controller.break_after = 2

    ran = ferryctl(*MIGRATE)

    watches = [request for request in controller.asked if hasattr(request, "start_revision")]
    assert ran.code == exits.OK
    assert [watch.start_revision for watch in watches] == [1, 3]
    assert "controller away, trying for 60 s more" in ran.out
    assert "controller back" in ran.out


def test_an_outage_longer_than_the_patience_ends_the_watch(
    controller: FakeController, ferryctl: Run
) -> None:
    threading.Timer(0.3, controller.stop).start()

    ran = ferryctl(*MIGRATE, "--reconnect-for", "0.5")

    assert ran.code == exits.UNAVAILABLE


def test_a_refusal_of_the_watch_itself_is_not_an_outage(
    controller: FakeController, ferryctl: Run
) -> None:
    controller.migrations = []
    controller.error = errors.NotFound("MIGRATION_NOT_FOUND", "migration", "x", "no such")

    assert ferryctl("watch", fake.MIGRATION).code == exits.NOT_FOUND


def test_a_watch_in_json_is_a_document_a_line(controller: FakeController, ferryctl: Run) -> None:
    controller.changes = moves_and_arrives()

    lines = ferryctl(*MIGRATE, "-o", "json").out.splitlines()

    states = [json.loads(line)["state"] for line in lines]
    assert states[0] == "MIGRATION_STATE_PREPARING"
    assert states[-1] == "MIGRATION_STATE_SUCCEEDED"


def test_ctrl_c_leaves_the_migration_going_and_says_how_to_watch_it(
    controller: FakeController,
) -> None:
    controller.changes = [fake.migration(MOVING, 30.0, 2)]
    command = [FERRYCTL, "--controller", controller.address, *MIGRATE]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with processes.running(command, **pipes) as watcher:
        assert watcher.stdout is not None
        while "30 %" not in watcher.stdout.readline():
            pass

        watcher.send_signal(signal.SIGINT)
        _, err = watcher.communicate(timeout=60)

    assert watcher.returncode == exits.INTERRUPTED
    assert f"ferryctl watch {fake.MIGRATION}" in err


class _Interrupting:
    """Gets a SIGINT where an exception is printed and forgotten."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_not_lost_where_exceptions_are(controller: FakeController) -> None:
    controller.changes = moves_and_arrives()
    session = Session(controller.address, TlsSettings(), Output.TABLE, timeout_s=10)
    events = following.Follower(session, scheduler_pb2.MigrationFilter(), 0).events(0)
    next(events)

    _Interrupting()

    with pytest.raises(KeyboardInterrupt):
        list(islice(events, len(controller.changes) - 1))


def test_in_a_terminal_migrate_watches_with_a_bar(controller: FakeController) -> None:
    controller.changes = moves_and_arrives()
    ours, theirs = pty.openpty()
    command = [FERRYCTL, "--controller", controller.address, "migrate", "web-1", "--to", "xs2"]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as watcher:
        os.close(theirs)
        shown = _read_all(ours)

    assert watcher.returncode == exits.OK
    assert "100%" in shown
    assert "0:00:" in shown
    assert "web-1 runs on xs2 now" in shown


def _read_all(terminal: int) -> str:
    chunks = []
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(terminal)
    return b"".join(chunks).decode()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (10.0, "web-1  xs1 → xs2  moving, asked again  60 %"),
        (0.0, "web-1  xs1 → xs2  moving  not told how far"),
    ],
)
def test_a_controller_that_has_just_started_does_not_make_a_move_begin_at_zero(
    controller: FakeController, ferryctl: Run, before: float, said: str
) -> None:
    forgotten = fake.migration(MOVING, 0.0, 3)
    forgotten.progress.Clear()
    heard = [fake.migration(MOVING, 60.0, 2)] if before else []
    controller.changes = [*heard, forgotten, fake.migration(SUCCEEDED, 100.0, 4)]

    lines = ferryctl(*MIGRATE).out.splitlines()

    assert said in lines
    assert not any("0 %" in line and "60 %" not in line and "moving" in line for line in lines)
