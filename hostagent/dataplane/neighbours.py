"""Tells the neighbours on a wire where an address is: gratuitous ARP, unsolicited advertisements.

Raw frames, because the kernel tells of an address only when its interface comes up.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_BROADCAST = b"\xff" * 6
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ALL_NODES = ipaddress.IPv6Address("ff02::1").packed
_ETH_ARP, _ETH_IPV6 = 0x0806, 0x86DD
_ARP_REQUEST, _ARP_REPLY = 1, 2
_ICMPV6, _ADVERTISEMENT = 58, 136
_OVERRIDE = 0x2000_0000
_TARGET_MAC_OPTION = b"\x02\x01"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An address that is here now; `mac` is who answers for it, empty: the interface itself."""

    address: str
    mac: str = ""


def announce(interface: str, arrivals: Iterable[Arrival]) -> None:
    """Send each arrival's frames; raises OSError when the interface does not take them."""
    told = list(arrivals)
    if not told:
        return
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        own_mac: bytes = wire.getsockname()[4]
        for arrival in told:
            for frame in frames(arrival, own_mac):
                wire.send(frame)


def frames(arrival: Arrival, own_mac: bytes) -> list[bytes]:
    """Return the frames that tell of an arrival.

    They leave from the interface's own address even for another's `mac`: a switch that took that
    one for the interface's would send its traffic here.
    """
    address = ipaddress.ip_address(arrival.address)
    mac = bytes.fromhex(arrival.mac.replace(":", "")) if arrival.mac else own_mac
    if isinstance(address, ipaddress.IPv6Address):
        return [_advertisement(address.packed, mac, own_mac)]
    # Some neighbours heed only requests, some only replies.
    return [_arp(kind, address.packed, mac, own_mac) for kind in (_ARP_REQUEST, _ARP_REPLY)]


def _arp(kind: int, address: bytes, mac: bytes, own_mac: bytes) -> bytes:
    target = b"\0" * 6 if kind == _ARP_REQUEST else _BROADCAST
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, kind) + mac + address + target + address
    return _BROADCAST + own_mac + struct.pack("!H", _ETH_ARP) + body


def _advertisement(address: bytes, mac: bytes, own_mac: bytes) -> bytes:
    option = _TARGET_MAC_OPTION + mac
    unsummed = struct.pack("!BBHI", _ADVERTISEMENT, 0, 0, _OVERRIDE) + address + option
    pseudo = address + _ALL_NODES + struct.pack("!II", len(unsummed), _ICMPV6)
    body = unsummed[:2] + struct.pack("!H", _checksum(pseudo + unsummed)) + unsummed[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), _ICMPV6, 255) + address + _ALL_NODES
    return _ALL_NODES_MAC + own_mac + struct.pack("!H", _ETH_IPV6) + header + body


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
