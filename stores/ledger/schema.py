"""The ledger's tables. Times are stored as ISO 8601 UTC text, so SQLite and Postgres agree."""

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, Dialect, Float, Integer, MetaData, String, Table, TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime kept as fixed-width ISO text, which sorts as time does."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text to store; refuse a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the stored moment."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

plans = Table(
    "plans",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("champion", String(50)),
    Column("previous", String(50)),
    Column("written_at", UtcTime, nullable=False),
    Column("document", JSON(none_as_null=True)),
)

standings = Table(
    "standings",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("version", String(50), primary_key=True),
    Column("stage", String(20), nullable=False),
    Column("reason", String, nullable=False),
    Column("manifest", JSON(none_as_null=True)),
    Column("changed_at", UtcTime, nullable=False),
)

signals = Table(
    "signals",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("action", String(40), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", String, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("policy_revision", String(20), nullable=False),
    Column("plan_revision", Integer, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("decided_at", UtcTime, nullable=False, index=True),
    Column("ordinal", Integer, nullable=False, server_default="0"),
)

arms = Table(
    "arms",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("replica", String(100), primary_key=True),
    Column("plan_revision", Integer, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("ready", Integer, nullable=False),
    Column("detail", String, nullable=False),
    Column("left_out", JSON(none_as_null=True)),
    Column("shadow", JSON(none_as_null=True)),
    Column("reported_at", UtcTime, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("stream", String(50), nullable=False),
    Column("start_at", UtcTime, nullable=False),
    Column("end_at", UtcTime, nullable=False),
    Column("rows_in", Integer, nullable=False),
    Column("rows_kept", Integer, nullable=False),
    Column("rows_quarantined", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("recorded_at", UtcTime, nullable=False, index=True),
)

quality = Table(
    "quality",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("version", String(50), primary_key=True),
    Column("until_at", UtcTime, primary_key=True),
    Column("since_at", UtcTime, nullable=False),
    Column("predictions", Integer, nullable=False),
    Column("labelled", Integer, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("detail", JSON(none_as_null=True)),
    Column("measured_at", UtcTime, nullable=False),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

replay = Table(
    "replay",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
)
