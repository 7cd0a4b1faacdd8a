"""Alembic's entry: migrate over the connection that `open_ledger` hands in."""

from alembic import context

import stores.ledger.spending_schema  # noqa: F401 - it adds its table to the metadata
from stores.ledger.watching_schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
