"""Floating IPs as agents' machines carry them, held against where XAPI runs the instances (I6)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import grpc

from chassis.channels import open_sync_channel
from chassis.tls import TlsSettings
from deploy.demo import xapi
from deploy.demo.stack import CALL_S, Stack
from xenferry.controller.v1 import floating_ips_pb2
from xenferry.hostagent.v1 import host_agent_pb2, host_agent_pb2_grpc

ACTIVE = floating_ips_pb2.FLOATING_IP_STATE_ACTIVE


def differences(stack: Stack, placements: Sequence[xapi.Placement]) -> Iterator[str]:
    """Yield a sentence for each address that is not carried by its instance's host alone."""
    listed = floating_ips(stack)
    if not listed:
        return
    truth = {one.uuid: one.host for one in placements}
    wanted = {one.address: truth.get(one.instance_id, "") for one in listed}
    yield from _of_controller(listed, wanted)
    try:
        yield from _of_machines(wanted, carried(stack))
    except grpc.RpcError as error:
        yield f"I6: an agent does not say what its machine carries: {error}"


def floating_ips(stack: Stack) -> Sequence[floating_ips_pb2.FloatingIp]:
    """Return every floating IP as the controller has it."""
    request = floating_ips_pb2.ListFloatingIpsRequest(page_size=1000)
    with stack.services() as services:
        return services.floating_ips.ListFloatingIps(request, timeout=CALL_S).floating_ips


def carried(stack: Stack) -> Mapping[str, Sequence[str]]:
    """Return what each agent's machine carries, by uuid of the host; raises grpc.RpcError."""
    found = {}
    for agent in stack.agents.values():
        with open_sync_channel(str(agent.ready["grpc"]), TlsSettings()) as channel:
            stub = host_agent_pb2_grpc.HostAgentStub(channel)
            info = stub.GetAgentInfo(host_agent_pb2.GetAgentInfoRequest(), timeout=CALL_S)
            found[info.host.host_id] = info.floating_ips
    return found


def _of_controller(
    listed: Sequence[floating_ips_pb2.FloatingIp], wanted: Mapping[str, str]
) -> Iterator[str]:
    for one in listed:
        host = wanted[one.address]
        if one.host_id != host or (host and one.state != ACTIVE):
            name = floating_ips_pb2.FloatingIpState.Name(one.state)
            text = f"I6: the controller has {one.address} {name} on {one.host_id or 'no host'}"
            yield f"{text}, its instance runs on {host or 'no host'} ({one.problem})"


def _of_machines(
    wanted: Mapping[str, str], carried_by: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    carriers: dict[str, list[str]] = defaultdict(list)
    for host, addresses in carried_by.items():
        for address in addresses:
            carriers[address].append(host)
    for address in sorted(wanted.keys() | carriers.keys()):
        host = wanted.get(address, "")
        right = [host] if host else []
        if carriers[address] != right:
            yield f"I6: {address} is carried by {carriers[address]} and shall be by {right}"
