"""Does the controller answer?"""

from dataclasses import replace
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis import answers, channels
from chassis.tls import PlaintextRefused
from hostagent.doctor.report import Check, State, doubtful, well, wrong
from hostagent.settings import Settings

NAME = "controller"
REGISTRY = "xenferry.controller.v1.HostRegistry"
PATIENCE_S = 5.0
SERVING = health_pb2.HealthCheckResponse.SERVING


async def reached(settings: Settings) -> list[Check]:
    """Ask each replica for the health of the service that the agent reports to; one is enough."""
    if not settings.controller.addresses:
        text = "no controller is set: the agent serves and does not report"
        return [doubtful(NAME, text, "set controller.address")]
    checks = [await _reached(address, settings) for address in settings.controller.addresses]
    if any(check.state is State.OK for check in checks):
        return [_lessened(check) for check in checks]
    return checks


def _lessened(check: Check) -> Check:
    return replace(check, state=State.WARNING) if check.state is State.WRONG else check


async def _reached(address: str, settings: Settings) -> Check:
    try:
        channel = channels.open_channel(address, settings.tls)
    except (PlaintextRefused, OSError) as error:
        return wrong(NAME, str(error), "set certificate_file, key_file and ca_file in [tls]")
    async with channel:
        return await _asked(channel, address)


async def _asked(channel: grpc.aio.Channel, address: str) -> Check:
    stub: Any = health_pb2_grpc.HealthStub(channel)  # the type stubs know the other kind only
    request = health_pb2.HealthCheckRequest(service=REGISTRY)
    try:
        answer = await stub.Check(request, timeout=PATIENCE_S)
    except grpc.aio.AioRpcError as error:
        told = answers.read(error)
        mend = "is it running, is controller.address right, and does its certificate suit [tls]?"
        return wrong(NAME, f"{address}: {told.code.name}: {told.message}", mend)
    if answer.status != SERVING:
        text = f"{address} answers and does not serve"
        return wrong(NAME, text, "look at the controller's log and its /healthz")
    return well(NAME, f"{address} serves")
