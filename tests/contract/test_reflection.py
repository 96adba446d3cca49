"""The real grpcurl, with no .proto at hand, against a server of ours."""

import asyncio
import json

from tests.service.chassis import moody
from tests.support.serving import serving


async def grpcurl(*arguments: str) -> tuple[int, str, str]:
    """Run the real program; returns exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        "grpcurl",
        "-plaintext",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_grpcurl_lists_and_describes_what_is_served() -> None:
    async with serving([moody.service(moody.Moody())]) as address:
        listed = await grpcurl(address, "list")
        described = await grpcurl(address, "describe", f"{moody.NAME}.GetHost")

    assert moody.NAME in listed[1].split()
    assert "grpc.health.v1.Health" in listed[1].split()
    assert "xenferry.controller.v1.GetHostRequest" in described[1]


async def test_grpcurl_calls_by_name_and_prints_the_details_of_a_refusal() -> None:
    async with serving([moody.service(moody.Moody())]) as address:
        good = await grpcurl("-d", '{"host": "xs1"}', address, f"{moody.NAME}/GetHost")
        bad = await grpcurl("-d", '{"host": "refused"}', address, f"{moody.NAME}/GetHost")

    assert list(json.loads(good[1]).values()) == ["xs1"]
    assert bad[0] != 0
    assert "FailedPrecondition" in bad[2]
    assert "DEST_DISABLED" in bad[2]
    assert "google.rpc.PreconditionFailure" in bad[2]


async def test_grpcurl_asks_the_health_of_a_service() -> None:
    async with serving([moody.service(moody.Moody())]) as address:
        code, out, _ = await grpcurl(
            "-d", f'{{"service": "{moody.NAME}"}}', address, "grpc.health.v1.Health/Check"
        )

    assert (code, json.loads(out)) == (0, {"status": "SERVING"})
