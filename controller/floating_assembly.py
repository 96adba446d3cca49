"""Puts together what brings floating IPs to the hosts of their instances."""

from dataclasses import dataclass

from chassis.server import Service
from controller.api.floating_ips import FloatingIps
from controller.clients.connections import Connections
from controller.clients.floating_ips import FloatingIpAgents, FollowedAgents
from controller.floating.pusher import Pusher
from controller.floating.reconciler import Reconciler
from controller.ports.clock import Clock
from controller.ports.registry import Registry
from controller.settings import Settings
from controller.store.database import Database
from controller.store.floating_ip_loads import SqlLoads
from controller.store.floating_ips import SqlFloatingIps
from xenferry.controller.v1 import floating_ips_pb2_grpc


@dataclass(frozen=True, slots=True)
class Floating:
    """Agents whose moves floating IPs follow, who hears of moves by others, and the service."""

    agents: FollowedAgents
    reconciler: Reconciler
    service: Service


def floating_ips(
    settings: Settings,
    database: Database,
    registry: Registry,
    connections: Connections,
    clock: Clock,
) -> Floating:
    """Return it; its reconciler is to be started and stopped."""
    loads = SqlLoads(database)
    carrying = FloatingIpAgents(connections, settings.agents, clock)
    pusher = Pusher(loads, carrying, settings.floating_ips.release_first_s)
    reconciler = Reconciler(loads, pusher, settings.floating_ips)
    service = Service(
        "xenferry.controller.v1.FloatingIps",
        FloatingIps(SqlFloatingIps(database, clock), registry, reconciler),
        floating_ips_pb2_grpc.add_FloatingIpsServicer_to_server,
    )
    agents = FollowedAgents(connections, settings.agents, clock, pusher)
    return Floating(agents, reconciler, service)
