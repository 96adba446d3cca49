"""Every service test also watches that nothing of ours blocks the event loop."""

from collections.abc import Iterator

import pytest

from tests.support import blocking


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[None]:
    """Let a blocking call that a service makes on the loop raise BlockingError."""
    with blocking.forbidden():
        yield
