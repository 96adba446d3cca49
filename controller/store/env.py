"""Alembic's entry: runs the upgrade on the connection that controller.store.upgrade opened."""

from alembic import context

from controller.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
