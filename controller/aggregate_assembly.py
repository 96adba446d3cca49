"""Puts together what makes pools of aggregates."""

from dataclasses import dataclass

from chassis.server import Service
from controller.aggregates.course import World
from controller.aggregates.planner import PoolPlanner
from controller.aggregates.settling import Settler
from controller.aggregates.steward import Steward
from controller.aggregates.waiting import News
from controller.api.aggregate_views import Views
from controller.api.aggregates import Aggregates
from controller.clients.connections import Connections
from controller.clients.pools import PoolClients
from controller.ports.clock import Clock
from controller.ports.registry import Registry
from controller.settings import Settings
from controller.store.aggregate_ledger import SqlOperations
from controller.store.aggregates import SqlAggregates
from controller.store.database import Database
from controller.store.pool_changes import PoolChanges
from xenferry.controller.v1 import aggregates_pb2_grpc


@dataclass(frozen=True, slots=True)
class Pools:
    """Who drives operations on pools, and the service."""

    steward: Steward
    service: Service


def aggregates(
    settings: Settings,
    database: Database,
    registry: Registry,
    connections: Connections,
    clock: Clock,
    owner: str,
    changes: PoolChanges,
) -> Pools:
    """Return it; its steward is to be begun and stopped."""
    news = News(registry, clock, settings.aggregates.poll_s)
    store = SqlAggregates(database, clock, news.told)
    ledger = SqlOperations(database, clock, changes, news.told)
    agents = PoolClients(connections, settings.agents, clock)
    planner = PoolPlanner(registry, agents, ledger)
    steward = Steward(owner, World(ledger, agents, registry, clock, settings.aggregates))
    settler = Settler(store, ledger, registry, agents, planner, steward)
    views = Views(store, registry, news, clock)
    servicer = Aggregates(store, ledger, registry, planner, steward, settler, views, clock)
    return Pools(
        steward,
        Service(
            "xenferry.controller.v1.Aggregates",
            servicer,
            aggregates_pb2_grpc.add_AggregatesServicer_to_server,
        ),
    )
