"""Floating IPs and their pools as messages."""

from controller.model.floating_ips import FloatingIp, FloatingIpState, Pool
from controller.wire.times import timestamp
from xenferry.controller.v1 import floating_ips_pb2

_STATES = {
    FloatingIpState.IDLE: floating_ips_pb2.FLOATING_IP_STATE_IDLE,
    FloatingIpState.PENDING: floating_ips_pb2.FLOATING_IP_STATE_PENDING,
    FloatingIpState.ACTIVE: floating_ips_pb2.FLOATING_IP_STATE_ACTIVE,
}


def pool(known: Pool) -> floating_ips_pb2.FloatingIpPool:
    """Return the message of a pool."""
    return floating_ips_pb2.FloatingIpPool(
        pool_id=known.pool_id,
        name=known.name,
        cidr=known.range.cidr,
        first_address=str(known.range.first),
        last_address=str(known.range.last),
        prefix_length=known.range.prefix_length,
        allocated=known.allocated,
        size=str(known.range.size),
        create_time=timestamp(known.create_time),
    )


def floating_ip(known: FloatingIp) -> floating_ips_pb2.FloatingIp:
    """Return the message of a floating IP."""
    state = known.state
    return floating_ips_pb2.FloatingIp(
        floating_ip_id=known.floating_ip_id,
        address=known.address,
        pool_id=known.pool_id,
        instance_id=known.instance_id,
        fixed_address=known.fixed_address,
        host_id=known.host_id,
        wanted_host_id=known.wanted_host_id,
        state=_STATES[state],
        problem=known.problem if state is FloatingIpState.PENDING else "",
        create_time=timestamp(known.create_time),
        update_time=timestamp(known.update_time),
    )
