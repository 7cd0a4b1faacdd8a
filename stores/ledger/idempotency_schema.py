"""The ledger's table of idempotency keys: who answers a request, and what was answered."""

from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Table

from stores.ledger.schema import UtcTime, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("claim", String(26), nullable=False, index=True),
    Column("owner", String(200), nullable=False),
    Column("place", String(40), nullable=False),
    Column("former", JSON, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("status", Integer),
    Column("content_type", String(100)),
    Column("headers", JSON(none_as_null=True)),
    Column("body", LargeBinary),
)
"""`digest` stands for tenant, model, path and key, `fingerprint` for what was asked. `claim` begins the prediction ids
of the answer's rows. `owner` names the folder of segments of the replica that answers, which is at `place`; `former`
are owners before it. `status` is null until there is an answer; `body` stays null for one that is too long to keep.
"""
