"""Picks what carries floating IPs, as the settings say."""

import importlib
import importlib.util

from hostagent.dataplane.carrier import Carrier, Remembered, Unusable
from hostagent.model.floating_ips import Driver, FloatingIpSettings


async def open_carrier(settings: FloatingIpSettings) -> Carrier:
    """Return the carrier, ready; raises Unusable."""
    if settings.driver is Driver.NONE:
        return Remembered()
    # The extra `floating-ips`: agents that carry none do without it.
    if importlib.util.find_spec("pyroute2") is None:
        raise Unusable("floating_ip_driver nftables needs pyroute2: install xenferry[floating-ips]")
    nftables = importlib.import_module("hostagent.dataplane.nftables")
    carrier: Carrier = await nftables.opened(settings)
    return carrier
