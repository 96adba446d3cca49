"""Tells an arrived guest's neighbours where its addresses are, for guests that don't do it.

A guest with a current driver tells them itself when it wakes up. Where the agent is set to tell
them (floating_ips.instance_interface), it does so from its own address.
"""

from hostagent.dataplane.carrier import Carrier
from hostagent.dataplane.neighbours import Arrival
from hostagent.model.finding import Finding, Reason, warned
from hostagent.model.records import VmRecord
from hostagent.operations import inventory
from hostagent.operations.verification import Verification


async def tell(carrier: Carrier, vm: VmRecord, seen: Verification) -> list[Finding]:
    """Tell them; returns a warning when the machine does not send it, else nothing.

    `seen` is as XAPI shows it: of a guest of another pool the mirror may not know the interfaces.
    """
    told = seen.tools.networks if seen.tools is not None else {}
    arrivals = [
        Arrival(address, interface.mac)
        for interface in seen.interfaces
        for address in inventory.addresses(told, interface.device)
    ]
    try:
        await carrier.announce(arrivals)
    except (OSError, ValueError) as refused:
        text = f"neighbours of {vm.name} were not told of its arrival: {refused}"
        remedy = "look at floating_ips.instance_interface of this host's agent"
        return [warned(Reason.NETWORK_NOT_AVAILABLE, f"instance/{vm.name}", text, remedy)]
    return []
