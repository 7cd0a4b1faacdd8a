"""The ledger's tables of reviews: what people are asked and what they said; and how far the log was read for it."""

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table

from stores.ledger.schema import UtcTime, metadata

reviews = Table(
    "reviews",
    metadata,
    Column("prediction_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("example_id", String, nullable=False),
    Column("request", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("decision", String, nullable=False),
    Column("decided_by", String),
    Column("predicted", Integer),
    Column("tenant", String),
    Column("served_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("entered_at", UtcTime, nullable=False),
    Column("claimed_by", String(100)),
    Column("claimed_until", UtcTime),
    Column("escalation", String(40)),
    Column("told_at", UtcTime),
    Column("answer", Integer),
    Column("answered_by", String(100)),
    Column("because", String),
    Column("answered_at", UtcTime, index=True),
    Column("request_id", String),
)
"""Of an answered one everything stays; `told_at` is when the people whom `escalation` calls were called."""

review_intake = Table(
    "review_intake",
    metadata,
    Column("log", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
)
"""The commit of the prediction log up to which every row was looked at."""

review_overflow = Table(
    "review_overflow",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How many answers people were not asked about, because as many as they can look at were waiting already."""
