"""Opens the database that the settings name."""

from pathlib import Path

import sqlalchemy as sa

from controller.store import errors
from controller.store.database import Database
from controller.store.postgres import PostgresDatabase
from controller.store.settings import StoreSettings
from controller.store.sqlite import SqliteDatabase

_POSTGRES = "postgresql+asyncpg"


async def open_database(settings: StoreSettings) -> Database:
    """Open and upgrade it; raises errors.DatabaseRefused."""
    try:
        url = sa.make_url(settings.url)
    except sa.exc.ArgumentError as error:
        raise errors.DatabaseUnsupported(settings.url) from error
    if url.drivername == _POSTGRES and url.database:
        password = _password(settings.password_file)
        if password:
            url = url.set(password=password)
        return await PostgresDatabase.open(url, settings.pool_size)
    if url.drivername == "sqlite" and url.database:
        return await SqliteDatabase.open(Path(url.database))
    raise errors.DatabaseUnsupported(url.render_as_string())


def _password(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.PasswordUnreadable(file, str(error)) from error
