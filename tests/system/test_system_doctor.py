"""`xenferry-hostagent doctor` as a process: what it finds wrong, and its exit status."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from deploy.demo import processes
from hostagent.doctor import program
from tests.support.sim import Simulator

VM = "5d0c1b3e-7a52-4d0f-9c55-000000000777"
WORLD = f"""
[pool]
name = "quay"
[[host]]
name = "xs1"
[[host]]
name = "xs2"
[[network]]
name = "lan"
[[network]]
name = "dmz"
hosts = ["xs2"]
[[sr]]
name = "nfs-1"
[[vm]]
name = "agent-1"
uuid = "{VM}"
memory = "1 GiB"
host = "xs1"
"""
GOOD = f"""
[xapi]
url = "URL"
host = "xs1"
password = "PASSWORD"
[migration]
own_vm = "{VM}"
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A pool of two hosts; xs1 is not on every network."""
    with Simulator(WORLD) as running:
        yield running


def configured(simulator: Simulator, scratch: Path, *changes: tuple[str, str]) -> Path:
    """Write good settings with these changes."""
    text = GOOD
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    text = text.replace("URL", simulator.endpoints["xs1"]).replace("PASSWORD", simulator.password)
    config = scratch / "hostagent.toml"
    config.write_text(text)
    return config


def examined(config: Path, *words: str) -> tuple[int, str]:
    """Let the doctor look as an operator does; return its status and words."""
    ran = subprocess.run(
        [processes.program("xenferry-hostagent"), "doctor", "--config", str(config), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


@pytest.fixture
def found(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Path], dict[str, Any]]]:
    """Let the doctor look within this process; gives each check by name."""

    def look(config: Path) -> dict[str, Any]:
        status = program.main(["--config", str(config), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert (told["ok"], status) in ((True, 0), (False, 1))
        return {check["name"]: check for check in told["checks"]}

    known = structlog.get_config()
    yield look
    structlog.configure(**known)


def test_settings_that_serve_are_told_so_with_what_an_operator_should_know(
    simulator: Simulator, tmp_path: Path
) -> None:
    status, text = examined(configured(simulator, tmp_path))

    assert status == 0
    assert "wrong" not in text
    rows = {line.split()[1]: line for line in text.splitlines() if "mend:" not in line}
    assert list(rows) == [
        "settings",
        "certificate",
        "reach",
        "login",
        "pool",
        "host",
        "sr_matching_filter",
        "migration_network",
        "networks",
        "own_vm",
        "controller",
    ]
    warned = {name for name, line in rows.items() if line.startswith("warning")}
    assert warned == {"networks", "controller"}
    assert "is not on dmz" in rows["networks"]
    assert "agent-1" in rows["own_vm"]
    assert simulator.password not in text


@pytest.mark.parametrize(
    ("before", "after", "check", "word"),
    [
        ("[xapi]", "[xapi]\nport = 7", "settings", "unknown key"),
        ("URL", "http://127.0.0.1:9", "reach", "refused"),
        ("PASSWORD", "wrong", "login", "SESSION_AUTHENTICATION_FAILED"),
        ('password = "PASSWORD"', 'password_file = "/nowhere"', "login", "/nowhere"),
        ('host = "xs1"', 'host = "xs9"', "host", "names 0 hosts"),
        ("[migration]", '[migration]\nsr_matching_filter = "x"', "settings", "default-sr:true"),
        (
            "[migration]",
            '[migration]\nsr_matching_filter = "other-config:a=b"',
            "sr_matching_filter",
            "none has a=b",
        ),
        ("[migration]", '[migration]\nmigration_network = "dmz"', "migration_network", "xs1"),
        (
            "[migration]",
            '[controller]\naddress = "127.0.0.1:9"\n[migration]',
            "controller",
            "UNAVAILABLE",
        ),
        (
            "[migration]",
            '[controller]\naddress = "192.0.2.1:9"\n[migration]',
            "controller",
            "loopback",
        ),
    ],
)
def test_what_is_wrong_is_named_with_how_to_mend_it(
    simulator: Simulator, tmp_path: Path, found: Any, before: str, after: str, check: str, word: str
) -> None:
    checks = found(configured(simulator, tmp_path, (before, after)))

    wrong = {name for name, one in checks.items() if one["state"] == "wrong"}
    assert wrong == {check}
    assert word in checks[check]["message"]
    assert checks[check]["mend"]


def test_a_doctor_that_finds_something_wrong_ends_with_one(
    simulator: Simulator, tmp_path: Path
) -> None:
    status, text = examined(configured(simulator, tmp_path, ("PASSWORD", "wrong")), "--json")

    assert status == 1
    assert not json.loads(text)["ok"]


def test_a_certificate_is_trusted_or_told_to_be_a_strangers(tmp_path: Path, found: Any) -> None:
    with Simulator(WORLD, options=["--tls-dir", str(tmp_path / "tls")]) as simulator:
        url = ("URL", simulator.ready["tls"]["xs1"])
        ca = ("[xapi]", f'[xapi]\nca_file = "{simulator.ready["ca"]}"')
        nowhere = ("[xapi]", '[xapi]\nca_file = "/nowhere"')

        trusted = found(configured(simulator, tmp_path, url, ca))
        strange = found(configured(simulator, tmp_path, url))
        missing = found(configured(simulator, tmp_path, url, nowhere))

    assert "trusted until" in trusted["certificate"]["message"]
    assert trusted["login"]["state"] == "OK"
    assert strange["certificate"]["state"] == "wrong"
    assert "xapi.ca_file" in strange["certificate"]["mend"]
    assert missing["certificate"]["state"] == "wrong"
