"""The ledger's table of how many gateway replicas there were to be."""

from sqlalchemy import Column, Integer, String, Table

from stores.ledger.schema import UtcTime, metadata

scalings = Table(
    "scalings",
    metadata,
    Column("at", UtcTime, primary_key=True),
    Column("replicas_before", Integer, nullable=False),
    Column("replicas", Integer, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("maximum", Integer, nullable=False),
    Column("reason", String, nullable=False),
)
