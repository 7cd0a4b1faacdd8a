"""The ledger's tables of who may come in, and of who did what."""

from sqlalchemy import Column, Float, Integer, String, Table

from stores.ledger.schema import UtcTime, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("per_second", Float, nullable=False),
    Column("burst", Integer, nullable=False),
    Column("highest", String(20), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(12), primary_key=True),
    Column("tenant", String(63), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("person", String(100)),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

deeds = Table(
    "deeds",
    metadata,
    Column("deed_id", String(40), primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("action", String(40), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", String, nullable=False),
    Column("who", String(100), nullable=False),
    Column("key_id", String(12)),
    Column("tenant", String(63)),
    Column("role", String(20)),
    Column("outcome", String(20), nullable=False),
    Column("reason", String, nullable=False),
)
