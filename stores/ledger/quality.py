"""Measured quality, one row per version and window."""

from dataclasses import fields

from sqlalchemy import Engine, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.evaluation import Metrics
from lifecycle.quality import Quality, QualityDetail
from stores.ledger.schema import quality

TRIES = 3


class QualityRecords:
    """What `measure` found, newest window first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, measured: Quality) -> None:
        """Store a measurement in place of an earlier one of the same version and window end.

        Of two processes that measure one window at once the last one stands. Raises Conflict when others kept coming
        first.
        """
        same = (
            quality.c.model == measured.model,
            quality.c.version == measured.version,
            quality.c.until_at == measured.until_at,
        )
        for _ in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    connection.execute(delete(quality).where(*same))
                    connection.execute(insert(quality).values(_columns(measured)))
            except IntegrityError:
                continue
            return
        raise Conflict(f"other processes kept measuring {measured.model} until {measured.until_at}; measure it again")

    def newest(self, model: str, limit: int = 20) -> tuple[Quality, ...]:
        """Return a model's newest measurements, newest window first."""
        rows = select(quality).where(quality.c.model == model).order_by(quality.c.until_at.desc(), quality.c.version)
        with self._engine.connect() as connection:
            return tuple(_quality(row) for row in connection.execute(rows.limit(limit)))

    def of_version(self, model: str, version: str) -> tuple[Quality, ...]:
        """Return every measurement of a version, newest window first."""
        mine = select(quality).where(quality.c.model == model, quality.c.version == version)
        with self._engine.connect() as connection:
            return tuple(_quality(row) for row in connection.execute(mine.order_by(quality.c.until_at.desc())))

    def versions(self, model: str) -> tuple[str, ...]:
        """Return the versions of a model that were ever measured, sorted."""
        mine = select(quality.c.version).where(quality.c.model == model).distinct()
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(mine)))

    def models(self) -> tuple[str, ...]:
        """Return the models that were ever measured, sorted."""
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(select(quality.c.model).distinct())))


def _columns(measured: Quality) -> dict[str, object]:
    values = {field.name: getattr(measured, field.name) for field in fields(measured)}
    detail = None if measured.detail is None else measured.detail.model_dump(mode="json")
    return values | {"metrics": measured.metrics.model_dump(), "detail": detail}


def _quality(row: Row[tuple[object, ...]]) -> Quality:
    values = row._asdict()
    detail = None if values["detail"] is None else QualityDetail.model_validate(values["detail"])
    return Quality(**{**values, "metrics": Metrics(**values["metrics"]), "detail": detail})
