"""Translations of floating IPs as nf_tables rules, in one table that is ours alone."""

import ipaddress
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from pyroute2.netlink.nfnetlink.nftsocket import (
    NFPROTO_IPV4,
    NFPROTO_IPV6,
    NFT_MSG_DELCHAIN,
    NFT_MSG_DELRULE,
    NFT_MSG_NEWCHAIN,
    NFT_MSG_NEWRULE,
    NFT_MSG_NEWTABLE,
    Cmp,
    Meta,
    nft_chain_msg,
    nft_rule_msg,
    nft_table_msg,
)
from pyroute2.nftables.expressions import genex

from hostagent.dataplane.netfilter import Batch
from hostagent.model.floating_ips import Binding

TABLE = "xenferry"
# A chain without rules: it outlives the agent and ends with the machine, as what it tells of does.
REVISION = "revision-"

_HOOKS = {"prerouting": (0, -100), "output": (3, -100), "postrouting": (4, 100)}
_SNAT, _DNAT = 0, 1
_REGISTER = 1
_NETWORK_HEADER = 1
_CT_STATUS, _STATUS_DNAT = 2, 1 << 5
_ACCEPT = 1
_INTERFACE_BYTES = 16
_SOURCE, _DESTINATION = 0, 1
_OFFSETS = {4: (12, 16), 6: (8, 24)}

Expressions = list[Any]


def replace(
    bindings: Sequence[Binding],
    revision: int,
    known: Sequence[int],
    public_interface: str,
    masquerade: bool,
) -> None:
    """Make our table hold exactly these translations, at once; raises OSError.

    `known` are the revisions that it tells of. Table and hooks stay as they are.
    """
    batch = Batch()
    batch.add(nft_table_msg(), NFT_MSG_NEWTABLE, {"NFTA_TABLE_NAME": TABLE})
    for name, (hook, priority) in _HOOKS.items():
        batch.add(nft_chain_msg(), NFT_MSG_NEWCHAIN, _nat_chain(name, hook, priority))
        every_rule = {"NFTA_RULE_TABLE": TABLE, "NFTA_RULE_CHAIN": name}
        batch.add(nft_rule_msg(), NFT_MSG_DELRULE, every_rule)
    for chain, expressions in _rules(bindings, public_interface, masquerade):
        rule = {
            "NFTA_RULE_TABLE": TABLE,
            "NFTA_RULE_CHAIN": chain,
            "NFTA_RULE_EXPRESSIONS": expressions,
        }
        batch.add(nft_rule_msg(), NFT_MSG_NEWRULE, rule)
    for old in set(known) - {revision}:
        batch.add(nft_chain_msg(), NFT_MSG_DELCHAIN, _revision_chain(old))
    batch.add(nft_chain_msg(), NFT_MSG_NEWCHAIN, _revision_chain(revision))
    batch.commit()


def _revision_chain(revision: int) -> dict[str, Any]:
    return {"NFTA_CHAIN_TABLE": TABLE, "NFTA_CHAIN_NAME": f"{REVISION}{revision}"}


def _nat_chain(name: str, hook: int, priority: int) -> dict[str, Any]:
    place = [("NFTA_HOOK_HOOKNUM", hook), ("NFTA_HOOK_PRIORITY", priority)]
    return {
        "NFTA_CHAIN_TABLE": TABLE,
        "NFTA_CHAIN_NAME": name,
        "NFTA_CHAIN_HOOK": {"attrs": place},
        "NFTA_CHAIN_POLICY": _ACCEPT,
        "NFTA_CHAIN_TYPE": "nat",
    }


def _rules(
    bindings: Sequence[Binding], public_interface: str, masquerade: bool
) -> Iterator[tuple[str, Expressions]]:
    for one in bindings:
        arriving = _address_is(one.address, _DESTINATION)
        for chain in ("prerouting", "output"):
            yield chain, [*arriving, *_translate(_DNAT, one.fixed_address)]
        leaving = _address_is(one.fixed_address, _SOURCE)
        out = _leaves_by(public_interface)
        yield "postrouting", [*leaving, *out, *_translate(_SNAT, one.address)]
        if masquerade:
            within = _address_is(one.fixed_address, _DESTINATION)
            yield "postrouting", [*within, *_was_translated(), genex("masq", {})]


def _family(address: str) -> int:
    return int(NFPROTO_IPV4 if ipaddress.ip_address(address).version == 4 else NFPROTO_IPV6)


def _equals(value: bytes, operation: Cmp = Cmp.NFT_CMP_EQ) -> Any:
    return genex("cmp", {"sreg": _REGISTER, "op": int(operation), "data": _data(value)})


def _data(value: bytes) -> dict[str, Any]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}


def _address_is(address: str, side: int) -> Expressions:
    """Return `ip saddr ADDRESS` or `ip daddr ADDRESS`."""
    parsed = ipaddress.ip_address(address)
    place = {
        "dreg": _REGISTER,
        "base": _NETWORK_HEADER,
        "offset": _OFFSETS[parsed.version][side],
        "len": len(parsed.packed),
    }
    return [
        genex("meta", {"dreg": _REGISTER, "key": int(Meta.NFT_META_NFPROTO)}),
        _equals(bytes([_family(address)])),
        genex("payload", place),
        _equals(parsed.packed),
    ]


def _leaves_by(interface: str) -> Expressions:
    name = interface.encode().ljust(_INTERFACE_BYTES, b"\0")
    load = genex("meta", {"dreg": _REGISTER, "key": int(Meta.NFT_META_OIFNAME)})
    return [load, _equals(name)]


def _was_translated() -> Expressions:
    """Return `ct status dnat`."""
    mask, none = struct.pack("=I", _STATUS_DNAT), struct.pack("=I", 0)
    bits = {"sreg": _REGISTER, "dreg": _REGISTER, "len": 4, "mask": _data(mask), "xor": _data(none)}
    return [
        genex("ct", {"dreg": _REGISTER, "key": _CT_STATUS}),
        genex("bitwise", bits),
        _equals(none, Cmp.NFT_CMP_NEQ),
    ]


def _translate(kind: int, address: str) -> Expressions:
    value = ipaddress.ip_address(address).packed
    target = {"type": kind, "family": _family(address), "reg_addr_min": _REGISTER}
    return [genex("immediate", {"dreg": _REGISTER, "data": _data(value)}), genex("nat", target)]
