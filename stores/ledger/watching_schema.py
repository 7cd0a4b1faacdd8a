"""The ledger's tables of what is watched: baselines, counts, looks, alarms, captures, people's labels, trainings."""

from sqlalchemy import JSON, Column, Float, Integer, String, Table

from stores.ledger.schema import UtcTime, metadata

baselines = Table(
    "baselines",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("version", String(50), primary_key=True),
    Column("profile", JSON, nullable=False),
    Column("metrics", JSON(none_as_null=True)),
    Column("source", String(50), nullable=False),
    Column("drawn_at", UtcTime, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("version", String(50), primary_key=True),
    Column("hour_at", UtcTime, primary_key=True),
    Column("part", String(120), primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("look_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("since_at", UtcTime, nullable=False),
    Column("until_at", UtcTime, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", String, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("policy_revision", String(20), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("looked_at", UtcTime, nullable=False, index=True),
)

alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("then", String(20), nullable=False),
    Column("value", Float),
    Column("limit", Float),
    Column("reason", String, nullable=False),
    Column("decision_id", String(40)),
    Column("told_at", UtcTime),
    Column("onset_at", UtcTime, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("closed_by", String(100)),
    Column("closed_because", String),
)

captures = Table(
    "captures",
    metadata,
    Column("capture_id", String(80), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("arm", String(20), nullable=False),
    Column("replica", String(100), nullable=False),
    Column("reason", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("path", String, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("captured_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
)

labels = Table(
    "labels",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("example_id", String(300), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("label", Integer, nullable=False),
    Column("source", String(40), nullable=False),
    Column("who", String(100), nullable=False),
    Column("reason", String, nullable=False),
    Column("known_at", UtcTime, nullable=False),
)

trainings = Table(
    "trainings",
    metadata,
    Column("training_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("cause", String(40), nullable=False),
    Column("reason", String, nullable=False),
    Column("alarms", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("version", String(50)),
    Column("outcome", String),
    Column("asked_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False, index=True),
    Column("version", String(50), nullable=False),
    Column("key", String(200), nullable=False),
    Column("written", Float, nullable=False),
    Column("proposed", Float, nullable=False),
    Column("reason", String, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("policy_revision", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("who", String(100)),
    Column("because", String),
    Column("proposed_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)
