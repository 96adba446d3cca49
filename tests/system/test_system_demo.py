"""The demo as an operator runs it: it tells the truth, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.demo import __main__
from deploy.demo.processes import wait_until
from deploy.demo.stack import ROOT
from tests.support import nursery
from tests.support.leftovers import processes_of

POOLS = ROOT.parent / "shared" / "xapi" / "pools"
TAMPA = POOLS / "tampa-poolof16and23.xml"
BOSTON = POOLS / "boston-twohosts.xml"

Play = Callable[..., tuple[int, str]]


def demo(directory: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.demo", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def play(capfd: pytest.CaptureFixture[str]) -> Play:
    """Return what plays a demo in this process, its programs forked from those at hand."""

    def play(*words: str) -> tuple[int, str]:
        code = __main__.play(words, nursery.launch)
        return code, capfd.readouterr().out

    return play


def run_demo(directory: Path, *words: str) -> tuple[int, str]:
    with demo(directory, *words) as running:
        output, _ = running.communicate(timeout=100)
    return running.returncode, output


def test_the_demo_tells_all_its_stories_and_leaves_nothing_running(tmp_path: Path) -> None:
    code, output = run_demo(tmp_path, "--time-factor", "6")

    assert code == 0, output
    for fact in (
        "web-1 runs on xs2 now",
        "web-1 is resident on xs2",
        "STORAGE_NOT_SHARED",
        "xenferry.controller.v1.Scheduler",
        "db-1 runs on xs2 now",
        "was killed at",
        "rehome_instance",
        "alone carries 203.0.113.1",
        "starting agent VM",
        "all sides agree",
    ):
        assert fact in output
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_demo_stays_up_until_it_is_told_to_end(tmp_path: Path) -> None:
    with demo(tmp_path, "--serve") as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("xapisim: process"):
                break
        up = len(processes_of(tmp_path))

        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)

    assert up == 8, "the demo, the simulator, five agents, the controller"
    assert any("grpcurl -plaintext -d '{" in line for line in lines)
    assert any(line.startswith("export XENFERRY_CONTROLLER=127.0.0.1:") for line in lines)
    assert running.returncode == 0
    assert processes_of(tmp_path) == []


def test_a_demo_that_is_ended_in_the_middle_leaves_nothing_running(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        wait_until("the agents to be started", lambda: len(processes_of(tmp_path)) >= 4)

        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)

    assert running.returncode == 130
    assert processes_of(tmp_path) == []


def test_a_demo_of_a_broken_world_says_where_it_is_broken(tmp_path: Path) -> None:
    world = tmp_path / "broken.toml"
    world.write_text('[pool]\nname = "p"\n\n[[host]]\nnames = "typo"\n')

    code, output = run_demo(tmp_path, "--world", str(world), "--serve")

    assert code == 1
    assert "broken.toml" in output
    assert "host[0]" in output
    assert processes_of(tmp_path) == []


@pytest.mark.skipif(not TAMPA.exists(), reason=f"{TAMPA} is not here")
def test_on_a_real_pool_a_guest_on_shared_storage_moves(play: Play) -> None:
    code, output = play("--world", str(TAMPA), "--instance", "16shared", "--time-factor", "20")

    assert code == 0, output
    assert "16shared runs on dt23 now" in output


@pytest.mark.skipif(not TAMPA.exists(), reason=f"{TAMPA} is not here")
def test_on_a_real_pool_a_guest_on_local_storage_is_refused(play: Play) -> None:
    code, output = play("--world", str(TAMPA), "--instance", "16local")

    assert code == 4, output
    assert "BLOCK_MIGRATION_UNSUPPORTED" in output
    assert "DISK_NOT_MIGRATABLE" in output
    assert "Local storage" in output


@pytest.mark.skipif(not BOSTON.exists(), reason=f"{BOSTON} is not here")
def test_on_an_older_real_pool_a_guest_moves(play: Play) -> None:
    words = ("--instance", "Debian Etch 4.0 (1)", "--time-factor", "20")
    code, output = play("--world", str(BOSTON), *words)

    assert code == 0, output
    assert "Debian Etch 4.0 (1) runs on chester now" in output
