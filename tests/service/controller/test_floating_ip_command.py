"""`ferryctl floating-ip` against a controller and its agents."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ferryctl import exits, main
from tests.support import floating_world
from tests.support.floating_world import FIXED, Floating

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest_asyncio.fixture
async def floating(tmp_path: Path) -> AsyncIterator[Floating]:
    """Return the service of a controller."""
    async with (
        floating_world.a_floating_world(tmp_path) as world,
        floating_world.a_service(world) as service,
    ):
        yield service


@pytest.fixture
def ferryctl(floating: Floating, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command and returns its exit code, stdout and stderr."""

    async def run(*words: str) -> tuple[int, str, str]:
        line = ["--controller", floating.address, "floating-ip", *words]
        capfd.readouterr()
        code = await asyncio.to_thread(main.run, line)
        return code, *capfd.readouterr()

    return run


async def test_an_operator_leads_an_address_to_an_instance_and_back(ferryctl: Run) -> None:
    assert (await ferryctl("pool-create", "public", "203.0.113.0/29"))[0] == exits.OK
    assert "0 of 6" in (await ferryctl("pool-list"))[1]
    assert "idle" in (await ferryctl("allocate", "public"))[1]

    led = await ferryctl("associate", "203.0.113.1", "web-1", "--fixed", FIXED)
    listed = await ferryctl("list", "--instance", "web-1")

    for _, out, _ in (led, listed):
        words = next(line for line in out.splitlines() if line.startswith("203.0.113.1 ")).split()
        assert words[:5] == ["203.0.113.1", "active", "web-1", FIXED, "xs1"]
    assert "idle" in (await ferryctl("disassociate", "203.0.113.1"))[1]
    assert "is released" in (await ferryctl("release", "203.0.113.1"))[1]
    assert "is deleted" in (await ferryctl("pool-delete", "public"))[1]


async def test_an_address_that_is_not_carried_yet_says_why(
    floating: Floating, ferryctl: Run
) -> None:
    await floating.pool()
    floating.world.one.unfit_address = "203.0.113.1"
    await floating.associated()

    _, out, err = await ferryctl("show", "203.0.113.1")

    assert "pending" in out
    assert "-, soon xs1" in out
    assert "no such interface" in err


async def test_a_program_reads_one_document(ferryctl: Run) -> None:
    await ferryctl("pool-create", "public", "203.0.113.0/29")

    _, pools, _ = await ferryctl("pool-list", "-o", "json")
    _, taken, _ = await ferryctl("allocate", "public", "--address", "203.0.113.3", "-o", "json")

    assert json.loads(pools)[0]["cidr"] == "203.0.113.0/29"
    assert json.loads(taken)["address"] == "203.0.113.3"
    assert json.loads(taken)["state"] == "FLOATING_IP_STATE_IDLE"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("allocate", "none"), exits.NOT_FOUND, "FLOATING_IP_POOL_NOT_FOUND"),
        (("allocate", "public", "--address", "10.0.0.1"), exits.REFUSED, "ADDRESS_OUTSIDE_POOL"),
        (("release", "203.0.113.5"), exits.NOT_FOUND, "FLOATING_IP_NOT_FOUND"),
    ],
)
async def test_a_refusal_ends_with_its_exit_code_and_its_reason(
    floating: Floating, ferryctl: Run, words: tuple[str, ...], code: int, reason: str
) -> None:
    await floating.pool()

    ended, _, err = await ferryctl(*words)

    assert ended == code
    assert reason in err
