"""The ledger's table of what tenants have spent, by day and replica."""

from sqlalchemy import Column, Float, String, Table

from stores.ledger.schema import UtcTime, metadata

spending = Table(
    "spending",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("model", String(100), primary_key=True),
    Column("tenant", String(200), primary_key=True),
    Column("replica", String(100), primary_key=True),
    Column("cost", Float, nullable=False),
    Column("written_at", UtcTime, nullable=False),
)
