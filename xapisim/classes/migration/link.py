"""The migration network: a host's NIC, shared fairly by the streams that leave it."""

from collections.abc import Iterator
from contextlib import contextmanager

from xapisim.classes.pool import Pool

STREAM_MIB_S = 450.0
"""One TLS stream on 10 GbE and more carries 300 to 500 MB/s (measured on XenServer hosts)."""
HOST_MIB_S = 2289.0
"""All streams of a host together, on 25 GbE too: 2.4 GB/s (measured on XenServer hosts)."""
EFFICIENCY = 0.92
"""What Ethernet, IP and TLS leave of the line."""
DEFAULT_NIC_MBPS = 10_000.0


class Links:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._streams: dict[str, int] = {}

    @contextmanager
    def stream(self, host: str) -> Iterator[None]:
        self._streams[host] = self._streams.get(host, 0) + 1
        try:
            yield
        finally:
            self._streams[host] -= 1

    def rate_mib_s(self, host: str) -> float:
        """What each of the host's streams gets now."""
        line_mib_s = self._pool.nic_mbps.get(host, DEFAULT_NIC_MBPS) / 8 * EFFICIENCY * 1e6 / 2**20
        shared_mib_s = min(HOST_MIB_S, line_mib_s) / max(1, self._streams.get(host, 1))
        return min(STREAM_MIB_S, shared_mib_s)
