"""Measured quality, one row per version and window."""

from dataclasses import fields

from sqlalchemy import Engine, Row, delete, insert, select

from lifecycle.evaluation import Metrics
from lifecycle.quality import Quality
from stores.ledger.schema import quality


class QualityRecords:
    """What `measure` found, newest window first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, measured: Quality) -> None:
        """Store a measurement in place of an earlier one of the same version and window end."""
        same = (
            quality.c.model == measured.model,
            quality.c.version == measured.version,
            quality.c.until_at == measured.until_at,
        )
        with self._engine.begin() as connection:
            connection.execute(delete(quality).where(*same))
            connection.execute(insert(quality).values(_columns(measured)))

    def newest(self, model: str, limit: int = 20) -> tuple[Quality, ...]:
        """Return a model's newest measurements, newest window first."""
        rows = select(quality).where(quality.c.model == model).order_by(quality.c.until_at.desc(), quality.c.version)
        with self._engine.connect() as connection:
            return tuple(_quality(row) for row in connection.execute(rows.limit(limit)))


def _columns(measured: Quality) -> dict[str, object]:
    values = {field.name: getattr(measured, field.name) for field in fields(measured)}
    return values | {"metrics": measured.metrics.model_dump()}


def _quality(row: Row[tuple[object, ...]]) -> Quality:
    values = row._asdict()
    return Quality(**{**values, "metrics": Metrics(**values["metrics"])})
