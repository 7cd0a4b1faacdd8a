"""Baselines by version: the profile it is held against, and its metrics on the rows it was accepted by."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.evaluation import Metrics
from lifecycle.profile import Profile
from stores.ledger.watching_schema import baselines


@dataclass(frozen=True)
class Baseline:
    """What a version is compared with; `metrics` are None where no outcome was known, `source` says who drew it."""

    model: str
    version: str
    profile: Profile
    metrics: Metrics | None
    source: str
    drawn_at: datetime


class Baselines:
    """The baseline of every version that has one; it is drawn once and never changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, model: str, version: str) -> Baseline | None:
        """Return a version's baseline, None while it has none."""
        mine = select(baselines).where(baselines.c.model == model, baselines.c.version == version)
        with self._engine.connect() as connection:
            row = connection.execute(mine).first()
        if row is None:
            return None
        metrics = None if row.metrics is None else Metrics.model_validate(row.metrics)
        return Baseline(model, version, Profile.model_validate(row.profile), metrics, row.source, row.drawn_at)

    def keep(self, baseline: Baseline) -> Baseline:
        """Store a version's first baseline and return the one that stands, which another process may have drawn."""
        values = {
            "model": baseline.model,
            "version": baseline.version,
            "profile": baseline.profile.model_dump(mode="json"),
            "metrics": None if baseline.metrics is None else baseline.metrics.model_dump(mode="json"),
            "source": baseline.source,
            "drawn_at": baseline.drawn_at,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(baselines).values(values))
        except IntegrityError:
            return self.get(baseline.model, baseline.version) or baseline
        return baseline
