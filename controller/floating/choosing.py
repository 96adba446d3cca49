"""Which address of an instance a floating IP leads to."""

import ipaddress
from collections.abc import Iterator

from controller.model import words
from controller.model.floating_ips import Address
from controller.model.inventory import Instance
from controller.ports.floating_ips import FixedAddressNotFound


def fixed_address(
    instance: Instance, floating: Address, wanted: Address | None, unverified: bool
) -> str:
    """Return the one that is wanted, or the only one; raises FixedAddressNotFound.

    `unverified` takes one that the instance does not tell of: without guest tools it tells of none.
    """
    told = [address for address in _told(instance) if address.version == floating.version]
    if wanted is not None and wanted.version != floating.version:
        raise _not_found(instance, told, f"{wanted} is not of IPv{floating.version}")
    if wanted is not None:
        if wanted in told or unverified:
            return str(wanted)
        raise _not_found(instance, told, f"{wanted} is none of its addresses")
    if len(told) != 1:
        here = words.counted(len(told), "address", "addresses")
        text = f"it has {here} of IPv{floating.version}, and none was named"
        raise _not_found(instance, told, text)
    return str(told[0])


def _told(instance: Instance) -> Iterator[Address]:
    for interface in instance.facts.interfaces:
        for text in interface.addresses:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if not address.is_link_local:
                yield address


def _not_found(instance: Instance, told: list[Address], why: str) -> FixedAddressNotFound:
    listed = ", ".join(map(str, told)) or "no address"
    text = f"{instance.name} tells of {listed}: {why}"
    return FixedAddressNotFound(f"instance/{instance.name}", text)
