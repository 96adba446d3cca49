"""Store tests run on every database that there is."""

from pathlib import Path

import pytest

from controller.store.settings import StoreSettings
from tests.support import pg, sqlite


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """Return the settings of an empty store."""
    if request.param == "sqlite":
        return sqlite.store_at(tmp_path / "store.db")
    return StoreSettings(pg.empty_database())
