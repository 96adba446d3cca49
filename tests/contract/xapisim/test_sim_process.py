"""The program: its ready line, its end, and what it says about a world it can't serve."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.contract.xapisim.client import Client
from tests.support.sim import PATIENCE_S, Simulator

WORLDS = Path(__file__).parents[3] / "deploy" / "worlds"
HOST = '[pool]\nname = "p"\n[[host]]\nname = "h"\n'


def test_the_ready_line_names_every_host_and_the_control_port() -> None:
    with Simulator(WORLDS / "demo.toml", WORLDS / "lighthouse.toml") as sim:
        assert list(sim.endpoints) == ["xs1", "xs2", "xs3", "xs4"]
        assert sim.control.startswith("http://127.0.0.1:")
        assert Client(sim, "xs4").vm("mail-1")
        assert len(Client(sim, "xs1").api.host.get_all()) == 3


def test_a_termination_ends_it_cleanly_also_while_clients_wait() -> None:
    sim = Simulator(WORLDS / "demo.toml")
    client = Client(sim, "xs1")
    sim.fault(fault="hold", phase="precopy")
    client.migrate("web-1", "xs2")

    sim.process.send_signal(signal.SIGTERM)

    assert sim.process.wait(timeout=PATIENCE_S) == 0
    assert "Traceback" not in sim.log()
    sim.stop()


def test_a_termination_does_not_wait_for_a_long_poll() -> None:
    sim = Simulator(WORLDS / "demo.toml")
    client = Client(sim, "xs1")
    token = client.events(["vm"], "", 1.0)["token"]
    poll = threading.Thread(target=cut_off, args=(client, token), daemon=True)
    poll.start()
    poll.join(0.3)  # the poll blocks now, or would have ended

    sim.process.send_signal(signal.SIGTERM)

    assert sim.process.wait(timeout=PATIENCE_S) == 0
    sim.stop()


def cut_off(client: Client, token: str) -> None:
    """Poll until the server is gone."""
    with contextlib.suppress(OSError):
        client.events(["vm"], token, 60.0)


def test_bench_worlds_have_as_many_vms_as_they_count() -> None:
    with Simulator(WORLDS / "bench.toml") as sim:
        client = Client(sim, "bench1")

        client.api.VM.pool_migrate(client.vm("vm-060"), client.host("bench2"), {})

        assert client.where("vm-060") == "bench2"
        assert len([d for d in sim.domains() if d["alive"]]) == 60


def test_a_broken_world_is_refused_in_one_line_with_file_and_place(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(HOST + "memroy = 1")

    status, complaints = refused(path)

    assert status == 2
    assert len(complaints) == 1
    assert complaints[0].startswith("xapisim: broken.toml: host[0].memroy: unknown key; known are")


def test_a_world_with_a_broken_fault_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(HOST + "[[fault]]\nfault = 'x'")

    status, complaints = refused(path)

    assert status == 2
    assert "broken.toml: fault[0].fault: one of drop_reply" in complaints[0]


def refused(path: Path) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "xapisim", "serve", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.stdout == ""
    return run.returncode, run.stderr.splitlines()


def test_the_ready_line_is_the_only_line_on_stdout() -> None:
    command = [sys.executable, "-m", "xapisim", "serve", str(WORLDS / "demo.toml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())

    process.terminate()

    assert process.stdout.read() == ""
    assert process.wait(timeout=PATIENCE_S) == 0
    assert ready["ready"] is True
    process.stdout.close()


def test_the_faults_of_a_world_are_armed_at_the_start() -> None:
    fault = '[[fault]]\nfault = "error"\nmethod = "host.get_all"\nnth = 1\nerror = ["BOOM"]\n'

    with Simulator(HOST + fault) as sim:
        client = Client(sim, "h")

        assert client.failure(client.api.host.get_all) == ["BOOM"]
        assert len(client.api.host.get_all()) == 1
