"""Worlds from elsewhere: a live pool dumped and served again, and a fleet made from a seed."""

import json
from pathlib import Path
from typing import Any

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator, xapisim
from xapisim.dumping import HIDDEN, without_secrets

WORLD = Path(__file__).parents[3] / "deploy" / "worlds" / "demo.toml"


def records(sim: Simulator, class_name: str) -> Any:
    return unordered(getattr(Client(sim, "xs1").api, class_name).get_all_records())


def unordered(value: Any) -> Any:
    """The order of a set means nothing."""
    if isinstance(value, dict):
        return {name: unordered(item) for name, item in value.items()}
    return sorted(value) if isinstance(value, list) else value


def test_a_dumped_pool_is_served_again_as_it_was(tmp_path: Path) -> None:
    with Simulator(WORLD) as sim:
        printed = xapisim("dump", sim.endpoints["xs1"], "--password", sim.password)
        before = {name: records(sim, name) for name in ("VM", "SR", "PBD", "VIF", "network")}

    path = tmp_path / "copy.json"
    path.write_text(printed.stdout)
    with Simulator(path, lockstep=True) as copy:
        assert {name: records(copy, name) for name in before} == before
        client = Client(copy, "xs1")
        client.move("web-1", "xs2")
        assert copy.where("web-1") == ["xs2"]


def test_a_dump_is_refused_with_what_the_pool_said() -> None:
    with Simulator(WORLD) as sim:
        wrong = xapisim("dump", sim.endpoints["xs1"], "--password", "wrong")
    gone = xapisim("dump", sim.endpoints["xs1"], "--password", "x")
    nowhere = xapisim("dump", "xs1", "--password", "x")

    assert (wrong.returncode, gone.returncode, nowhere.returncode) == (2, 2, 2)
    assert "SESSION_AUTHENTICATION_FAILED" in wrong.stderr
    assert "refused" in gone.stderr
    assert "a URL such as https://xs1 expected" in nowhere.stderr


def test_a_dump_over_tls_wants_a_certificate_it_can_trust(tmp_path: Path) -> None:
    with Simulator(WORLD, options=["--tls-dir", str(tmp_path)]) as sim:
        url, ca = sim.ready["tls"]["xs1"], sim.ready["ca"]
        trusted = xapisim("dump", url, "--password", sim.password, "--ca", ca)
        untrusted = xapisim("dump", url, "--password", sim.password)

    assert len(json.loads(trusted.stdout)["host"]) == 3
    assert "CERTIFICATE_VERIFY_FAILED" in untrusted.stderr


def test_secrets_are_left_out_and_references_stay() -> None:
    config = {"chappassword": "x", "username": "u", "password_secret": "OpaqueRef:1", "cifs": ""}

    assert without_secrets(config, "device_config") == {
        "chappassword": HIDDEN,
        "username": "u",
        "password_secret": "OpaqueRef:1",
        "cifs": "",
    }
    assert without_secrets("x", "pool_token") == HIDDEN
    assert without_secrets("", "wlb_password") == ""


def test_a_fleet_is_the_same_for_the_same_seed_and_every_guest_runs() -> None:
    first = xapisim("world", "--hosts", "3", "--vms", "20", "--seed", "7")
    again = xapisim("world", "--hosts", "3", "--vms", "20", "--seed", "7")
    other = xapisim("world", "--hosts", "3", "--vms", "20", "--seed", "8")

    assert first.stdout == again.stdout
    assert first.stdout != other.stdout
    with Simulator(first.stdout) as sim:
        assert len([domain for domain in sim.domains() if domain["alive"]]) == 20
        client = Client(sim, "xs01")
        for host in client.api.host.get_all():
            assert int(client.api.host.compute_free_memory(host)) > 0
