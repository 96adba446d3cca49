"""The floating IP call of the HostAgent service."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from typing import Any

from chassis.errors import InvalidArgument, Violation
from hostagent.api import requests
from hostagent.model.finding import Reason
from hostagent.model.floating_ips import Applied, Binding
from hostagent.operations import apply_floating_ips
from hostagent.operations.agent import Agent
from xenferry.hostagent.v1 import floating_ips_pb2, host_agent_pb2_grpc


class FloatingIpCalls(host_agent_pb2_grpc.HostAgentServicer):
    """One handler an RPC; the contract says what each promises."""

    _agent: Agent

    async def ApplyFloatingIps(
        self, request: floating_ips_pb2.ApplyFloatingIpsRequest, _context: Any
    ) -> floating_ips_pb2.ApplyFloatingIpsResponse:
        bindings = _bindings(request)
        applied = await apply_floating_ips.run(
            self._agent, request.host_id, request.revision, bindings
        )
        return _answer(applied)


def _bindings(request: floating_ips_pb2.ApplyFloatingIpsRequest) -> tuple[Binding, ...]:
    """Return what is to be carried; raises InvalidArgument with every violation."""
    violations = [*_malformed(request), *_repeated(request)]
    if violations:
        text = "; ".join(f"{one.subject} {one.description}" for one in violations)
        raise InvalidArgument(Reason.BAD_ARGUMENT.name, text[:2_000], violations[:50])
    return tuple(
        Binding(
            str(ipaddress.ip_address(one.address)),
            one.prefix_length,
            one.instance_id,
            str(ipaddress.ip_address(one.fixed_address)),
        )
        for one in request.bindings
    )


def _malformed(request: floating_ips_pb2.ApplyFloatingIpsRequest) -> Iterator[Violation]:
    if not requests.is_uuid(request.host_id):
        yield _bad("host_id", f"must be a uuid, not {request.host_id!r}")
    if request.revision < 1:
        yield _bad("revision", f"must be at least 1, not {request.revision}")
    for index, one in enumerate(request.bindings):
        place = f"bindings[{index}]"
        address, fixed = _parsed(one.address), _parsed(one.fixed_address)
        for name, parsed in (("address", address), ("fixed_address", fixed)):
            if parsed is None:
                text = f"must be an IP address, not {getattr(one, name)!r}"
                yield _bad(f"{place}.{name}", text)
        if address is None or fixed is None:
            continue
        if address.version != fixed.version:
            yield _bad(f"{place}.fixed_address", f"must be of IPv{address.version}, as the address")
        if not 0 <= one.prefix_length <= address.max_prefixlen:
            text = f"must be 0 to {address.max_prefixlen}, not {one.prefix_length}"
            yield _bad(f"{place}.prefix_length", text)


def _repeated(request: floating_ips_pb2.ApplyFloatingIpsRequest) -> Iterator[Violation]:
    for name in ("address", "fixed_address"):
        counted = Counter(getattr(one, name) for one in request.bindings)
        for text, times in counted.items():
            if times > 1:
                yield _bad("bindings", f"have {name} {text} {times} times")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _bad(field: str, text: str) -> Violation:
    return Violation(field, text, Reason.BAD_ARGUMENT.name)


def _answer(applied: Applied) -> floating_ips_pb2.ApplyFloatingIpsResponse:
    return floating_ips_pb2.ApplyFloatingIpsResponse(
        revision=applied.revision,
        carried=[
            floating_ips_pb2.FloatingIpBinding(
                address=one.address,
                prefix_length=one.prefix_length,
                instance_id=one.instance_id,
                fixed_address=one.fixed_address,
            )
            for one in applied.carried
        ],
        items=[
            floating_ips_pb2.FloatingIpItem(
                address=item.address,
                action=floating_ips_pb2.FloatingIpAction.Value(
                    f"FLOATING_IP_ACTION_{item.action.name}"
                ),
                why=item.why,
            )
            for item in applied.items
        ],
    )
