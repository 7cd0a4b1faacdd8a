"""Alembic's entry: migrate over the connection that `open_ledger` hands in."""

from alembic import context

from stores.ledger import scaling_schema, watching_schema  # noqa: F401 - each adds its tables

context.configure(connection=context.config.attributes["connection"], target_metadata=scaling_schema.metadata)
with context.begin_transaction():
    context.run_migrations()
