"""Alembic's entry: migrate over the connection that `open_ledger` hands in."""

from alembic import context

from stores.ledger import (  # noqa: F401 - each adds its tables to the metadata
    idempotency_schema,
    jobs_schema,
    review_schema,
    scaling_schema,
    spending_schema,
    tenants_schema,
    watching_schema,
)
from stores.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
