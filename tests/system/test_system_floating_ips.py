"""Floating IPs with everything as processes: a client on a wire follows an instance that moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo import netlab
from deploy.demo.netlab import Lab
from deploy.demo.processes import wait_until
from tests.support import nursery
from tests.support.operator import Operator
from tests.support.stack import IMPATIENT, IMPATIENT_AGENT, Stack

SKIP = netlab.reason_to_skip()
pytestmark = pytest.mark.skipif(bool(SKIP), reason=SKIP)

ADDRESS = "203.0.113.100"
LIST = ("floating-ip", "list")
PATIENCE = "\n[floating_ips]\nretry_first_s = 0.1\nretry_cap_s = 0.5\n"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return the wires between a client, two agents' machines and the guest."""
    with netlab.a_lab() as built:
        yield built


@pytest.fixture
def stack(lab: Lab, tmp_path: Path) -> Iterator[Stack]:
    """Return a stack whose agents of xs1 and xs2 carry floating IPs in the lab."""
    tables = {
        host: f'{IMPATIENT_AGENT}\n[floating_ips]\nfloating_ip_driver = "nftables"\n'
        f'public_interface = "{netlab.PUBLIC}"\nnamespace = "{machine.name}"\n'
        for host, machine in (("xs1", lab.one), ("xs2", lab.two))
    }
    with Stack(
        tmp_path,
        time_factor=20.0,
        controller_tables=IMPATIENT + PATIENCE,
        agent_tables=IMPATIENT_AGENT,
        launcher=nursery.launch,
        agent_tables_of=tables,
    ) as running:
        yield running


@pytest.fixture
def operator(stack: Stack, capfd: pytest.CaptureFixture[str]) -> Operator:
    """Return an operator who has led the address to web-1, which is the lab's guest."""
    operator = Operator(stack, capfd)
    operator.does("floating-ip", "pool-create", "public", "203.0.113.0/24")
    operator.does("floating-ip", "allocate", "public", "--address", ADDRESS)
    words = ("--fixed", netlab.GUEST, "--unverified")
    operator.does("floating-ip", "associate", ADDRESS, "web-1", *words)
    return operator


def test_a_client_reaches_an_instance_by_its_floating_ip_before_and_after_a_migration(
    operator: Operator, lab: Lab
) -> None:
    assert lab.client.ask(ADDRESS) == "one"
    before = lab.client.mac_of(ADDRESS)

    operator.does("migrate", "web-1", "--to", "xs2", "--watch")
    lab.move_guest("two")

    assert lab.client.mac_of(ADDRESS) not in ("", before)
    assert lab.client.ask(ADDRESS) == "two"
    assert f"{ADDRESS}/32" not in lab.one.ip(f"addr show dev {netlab.PUBLIC}")


def test_an_agent_that_dies_leaves_its_addresses_up_and_takes_down_later_what_it_missed(
    operator: Operator, stack: Stack, lab: Lab
) -> None:
    stack.kill_agent("xs1")
    assert lab.client.ask(ADDRESS) == "one"
    shown = operator.does("floating-ip", "disassociate", ADDRESS)
    assert "pending" in shown
    stack.start_agent("xs1")

    wait_until("the address to be free", lambda: "idle" in operator.does(*LIST))
    assert f"{ADDRESS}/32" not in lab.one.ip(f"addr show dev {netlab.PUBLIC}")
