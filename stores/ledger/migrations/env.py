"""Alembic's entry: migrate over the connection that `open_ledger` hands in."""

from alembic import context

import stores.ledger.review_schema  # noqa: F401 - declares its tables
from stores.ledger.watching_schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
