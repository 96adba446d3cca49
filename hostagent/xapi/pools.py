"""Verbs on pools."""

from collections.abc import Mapping
from typing import Any

from hostagent.xapi import hosts
from hostagent.xapi.client import Client

PLUGIN = "xenferry-pool"
_NO_VLAN = -1


async def call_plugin(client: Client, host: str, function: str, given: Mapping[str, str]) -> str:
    """Return what dom0's plug-in answers; each of its functions is safe to send again."""
    with hosts.known(host):
        answer: str = await client.read("host.call_plugin", host, PLUGIN, function, dict(given))
    return answer


async def rename(client: Client, pool: str, name: str) -> None:
    """Give the pool a name; a repeat changes nothing."""
    await client.change("pool.set_name_label", pool, name)


async def designate(client: Client, host: str) -> None:
    """Have a member coordinate the pool, in ten seconds; a repeat meanwhile changes nothing."""
    with hosts.known(host):
        await client.change("pool.designate_new_master", host)


async def forbidden_networks(client: Client) -> tuple[str, ...]:
    """Return what of a lone host's networks pool.join refuses, as kind/name (XAPI A13)."""

    def ask() -> tuple[str, ...]:
        pifs: Mapping[str, Any] = client.read_now("PIF.get_all_records")
        return tuple(sorted(name for pif in pifs.values() for name in _forbidden(pif)))

    return await client.run(ask)


def _forbidden(pif: Mapping[str, Any]) -> list[str]:
    device = pif["device"]
    found = []
    if pif.get("bond_master_of"):
        found.append(f"bond/{device}")
    if pif.get("tunnel_access_PIF_of"):
        found.append(f"tunnel/{device}")
    if int(pif.get("VLAN", _NO_VLAN)) != _NO_VLAN and not pif.get("management", False):
        found.append(f"vlan/{device}.{pif['VLAN']}")
    if pif.get("sriov_physical_PIF_of"):
        found.append(f"sriov/{device}")
    return found
