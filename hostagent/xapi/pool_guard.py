"""Is this still the pool, and the host, that the agent serves?

An address outlives what answers there: a host may have been ejected and installed anew, or another
pool may have taken the address over. What a pool is, is told by its uuid (R12 of XAPI).
"""

from collections.abc import Callable
from typing import Any

import structlog

from hostagent.xapi.errors import XapiGone, XapiUnavailable

log = structlog.get_logger()

Ask = Callable[..., Any]


class PoolGuard:
    """Admits any pool until it is told which is ours; then only ours, or one with our host."""

    def __init__(self) -> None:
        self._pool_id = ""
        self._host_id = ""

    def serve(self, host_id: str, pool_id: str) -> None:
        """From now on it has to be this pool, or one that has this host."""
        self._host_id, self._pool_id = host_id, pool_id

    def admit(self, url: str, ask: Ask) -> None:
        """Look at the pool behind a new session; raises XapiUnavailable if it is a stranger's.

        A host that joined another pool keeps its uuid: its new pool is admitted.
        """
        if not self._host_id:
            return
        (pool,) = ask("pool.get_all_records").values()
        pool_id = str(pool["uuid"])
        if pool_id != self._pool_id:
            self._look_for_host(url, pool_id, ask)
            log.warning("xapi.pool_changed", url=url, before=self._pool_id, now=pool_id)
            self._pool_id = pool_id

    def _look_for_host(self, url: str, pool_id: str, ask: Ask) -> None:
        try:
            ask("host.get_by_uuid", self._host_id)
        except XapiGone as gone:
            raise XapiUnavailable(
                "pool.get_uuid",
                f"{url} answers for pool {pool_id}, which has no host {self._host_id};"
                f" this agent serves that host of pool {self._pool_id}",
            ) from gone
