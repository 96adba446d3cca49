"""Every RPC about pools, what it asks of XAPI, and what it says, in a word or two."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from tests.service.hostagent.pool import errors
from tests.service.hostagent.quayside import told
from tests.service.hostagent.rpc_rows import DONE, REFUSED, UNTOLD
from tests.support.dom0 import HOSTS, Quays
from xenferry.common.v1 import inventory_pb2
from xenferry.hostagent.v1 import pools_pb2

NOT_DONE = "FAILED_PRECONDITION POOL_OPERATION_FAILED"
PLUGIN = "host.call_plugin"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and the operation that is asked for, which changes nothing: the host is there."""

    quays: Quays
    operation_id: str

    def words(self, **more: Any) -> dict[str, Any]:
        """Return what a request about the coordinator says."""
        return {"coordinator_id": self.quays.north.host.host_id, **more}

    def order(self, **more: Any) -> dict[str, Any]:
        """Return what a request about the coordinator as a member says."""
        host = self.quays.north.host
        return self.words(operation_id=self.operation_id, host_id=host.host_id, **more)


@dataclass(frozen=True, slots=True)
class PoolRpc:
    """One RPC: how it is asked, a call to XAPI that it makes, and what it says (see `Rpc`)."""

    name: str
    method: str
    ask: Callable[[Asked], Awaitable[str]]
    refused: str = NOT_DONE
    unheard: str = DONE
    unsent: str = DONE
    well: str = DONE


async def check_on_host(asked: Asked) -> str:
    """CheckCanJoinOnHost: an answer about that host."""
    host_id = asked.quays.north.host.host_id
    answer = await asked.quays.ask("CheckCanJoinOnHost", host_id=host_id)
    return DONE if answer.joiner.host.host_id == host_id else "another host"


async def check_on_coordinator(asked: Asked) -> str:
    """CheckCanJoinOnCoordinator, as far as dom0 is concerned."""
    words = replace(asked.quays, number=HOSTS).join_words()
    host = inventory_pb2.HostFacts(host_id=words["host_id"], address=words["address"])
    joiner = pools_pb2.JoinerFacts(host=host)
    answer = await asked.quays.ask("CheckCanJoinOnCoordinator", **asked.words(joiner=joiner))
    of_dom0 = {"POOL_OPERATION_FAILED", "POOL_CREDENTIALS_REFUSED", "POOL_PLUGIN_UNUSABLE"}
    return " ".join(errors(answer.findings) & of_dom0) or DONE


async def name_pool(asked: Asked) -> str:
    """NamePool."""
    await asked.quays.ask("NamePool", **asked.words(name=f"rack {asked.operation_id}"))
    return DONE


async def designate(asked: Asked) -> str:
    """DesignateCoordinator of the coordinator itself, which changes nothing."""
    words = asked.words(host_id=asked.quays.north.host.host_id)
    await asked.quays.ask("DesignateCoordinator", **words)
    return DONE


async def join(asked: Asked) -> str:
    """JoinPool of the coordinator, which is a member already."""
    address = asked.quays.north.host.address
    return _known(asked, await asked.quays.ask("JoinPool", **asked.order(address=address)))


async def leave(asked: Asked) -> str:
    """LeavePool of the coordinator, which XAPI refuses."""
    return _known(asked, await asked.quays.ask("LeavePool", **asked.order(confirm_wipe=True)))


async def observe(asked: Asked) -> str:
    """ObservePoolOperation."""
    words = asked.words(operation_id=asked.operation_id)
    return _known(asked, await asked.quays.ask("ObservePoolOperation", **words))


def _known(asked: Asked, operation: Any) -> str:
    return DONE if operation.operation_id == asked.operation_id else "another operation"


POOL_RPCS = (
    PoolRpc("CheckCanJoinOnHost", "PIF.get_all_records", check_on_host, REFUSED),
    PoolRpc(
        "CheckCanJoinOnCoordinator", PLUGIN, check_on_coordinator, refused="POOL_OPERATION_FAILED"
    ),
    PoolRpc("NamePool", "pool.set_name_label", name_pool, REFUSED, UNTOLD, UNTOLD),
    PoolRpc(
        "DesignateCoordinator", "pool.designate_new_master", designate, REFUSED, UNTOLD, UNTOLD
    ),
    PoolRpc("JoinPool", PLUGIN, join),
    PoolRpc("LeavePool", PLUGIN, leave),
    PoolRpc("ObservePoolOperation", PLUGIN, observe),
)


async def said(rpc: PoolRpc, asked: Asked) -> str:
    """Ask, and return the answer, or status and reason."""
    return await told(rpc.ask(asked))


def fresh(quays: Quays) -> Asked:
    """Ask for an operation that nobody has asked for."""
    return Asked(quays, str(uuid4()))
