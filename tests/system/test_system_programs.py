"""How the programs begin and end: the ready line, SIGTERM, and settings that can't be right."""

import http.client
import subprocess
from pathlib import Path

import pytest

from deploy.demo import processes
from deploy.demo.processes import Process
from tests.support.stack import Stack

SERVICES = ("xenferry-controller", "xenferry-hostagent")


def test_every_program_ends_with_zero_on_sigterm(stack: Stack) -> None:
    codes = {process.name: process.stop() for process in stack.programs}

    assert set(codes.values()) == {0}, codes
    assert len(codes) == 5


def test_a_controller_with_an_open_watch_ends_at_once_on_sigterm(shared_stack: Stack) -> None:
    stack = shared_stack
    dest = "xs1" if stack.ferryctl("check", "db-1", "--to", "xs1").returncode == 0 else "xs2"
    with stack.running_ferryctl("watch", "--reconnect-for", "0", "-o", "json") as watcher:
        stack.ferryctl("migrate", "db-1", "--to", dest, "--watch")
        assert watcher.stdout is not None
        watcher.stdout.readline()

        code = stack.controller.stop()
        watcher.communicate(timeout=20)

    assert code == 0
    assert watcher.returncode == 7


def test_a_controller_is_healthy_and_measured_when_it_says_ready(shared_stack: Stack) -> None:
    for path, word in (("/healthz", ""), ("/metrics", "grpc_server_started_total")):
        connection = http.client.HTTPConnection(shared_stack.controller.ready["http"], timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()

        assert answer.status == 200
        assert word in body


@pytest.mark.parametrize("program", SERVICES)
def test_an_unknown_settings_key_refuses_the_start(tmp_path: Path, program: str) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[serve]\nport = 7\n\n[xapi]\nurl = "http://127.0.0.1:1"\n')

    ran = subprocess.run(
        [processes.program(program), "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert str(config) in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("[serve]\nport = 7\n")

    controller = Process(
        "controller",
        [processes.program("xenferry-controller"), "--config", str(config)],
        tmp_path / "log",
    )

    with pytest.raises(processes.NotReady, match=r"unknown key serve\.port"):
        controller.start()


def test_a_second_controller_on_the_same_database_is_refused(shared_stack: Stack) -> None:
    config = shared_stack.directory / "second.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{shared_stack.database}"\n')
    command = [processes.program("xenferry-controller"), "--config", str(config)]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert ran.returncode == 2
    assert str(shared_stack.database) in ran.stderr


def test_an_agent_that_waits_for_its_hypervisor_ends_on_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[xapi]\nurl = "http://127.0.0.1:{processes.free_port()}"\npassword = "x"\n')
    command = [processes.program("xenferry-hostagent"), "--config", str(config)]
    agent = Process("agent", command, tmp_path / "log")
    agent.launch()
    processes.wait_until("the agent to look for XAPI", lambda: agent.log.stat().st_size > 0)

    assert agent.stop() == 0
    assert "Traceback" not in agent.log.read_text()
