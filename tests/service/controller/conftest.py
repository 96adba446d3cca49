"""What tests of the controller's services share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support import floating_world
from tests.support.floating_world import Floating


@pytest_asyncio.fixture
async def floating(tmp_path: Path) -> AsyncIterator[Floating]:
    """Return the service of a controller with a pool."""
    async with (
        floating_world.a_floating_world(tmp_path) as world,
        floating_world.a_service(world) as service,
    ):
        await service.pool()
        yield service
