"""Every service test also watches that nothing of ours blocks the event loop."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

OURS = ["chassis", "controller", "hostagent"]
# What may block: opening the database, asyncpg's look for ~/.pgpass at each new connection, and
# reading certificates, before anything is served; a traceback for the log; /proc for the metrics.
MAY_BLOCK = (
    ("controller/store/sqlite.py", {"__init__", "_hold"}),
    ("controller/store/postgres.py", {"__init__"}),
    ("controller/store/opening.py", {"_password"}),
    ("controller/store/upgrade.py", {"upgrade"}),
    ("asyncpg/connect_utils.py", {"_parse_connect_dsn_and_args"}),
    ("chassis/tls.py", {"paths", "_read", "_mtimes", "server_credentials", "channel_credentials"}),
    ("hostagent/assembly.py", {"_agent", "open_client", "with_own_vm"}),
    ("chassis/interceptor.py", {"_described", "_cancelled"}),
    ("chassis/web.py", {"_metrics"}),
)


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[None]:
    """Let a blocking call that a service makes on the loop raise BlockingError."""
    with blockbuster_ctx(scanned_modules=OURS) as watched:
        for function in watched.functions.values():
            for file, names in MAY_BLOCK:
                function.can_block_in(file, names)
        yield
