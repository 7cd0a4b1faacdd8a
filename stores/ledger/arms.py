"""Arm readiness: what every gateway replica says it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, distinct, func, insert, select

from stores.ledger.schema import arms


@dataclass(frozen=True)
class ArmReport:
    """One replica's word on one model: which versions it holds, by which plan revision.

    `left_out` says what is wrong with versions of that plan that do not stand here, None when nothing is; one that is
    only out of reach, because a store is away, is told of in `detail` alone. `shadow` is what it knows of the
    version in shadow beside it (see serving/shadow), None without one.
    """

    model: str
    replica: str
    plan_revision: int
    versions: Sequence[str]
    ready: bool
    detail: str
    reported_at: datetime
    left_out: Mapping[str, str] | None = None
    shadow: Mapping[str, float | int | str] | None = None


class Arms:
    """The newest report of every replica on every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def report(self, report: ArmReport) -> None:
        """Store a replica's report in place of its last one."""
        values = asdict(report) | {"versions": list(report.versions), "ready": int(report.ready)}
        with self._engine.begin() as connection:
            connection.execute(delete(arms).where(arms.c.model == report.model, arms.c.replica == report.replica))
            connection.execute(insert(arms).values(values))

    def since(self, model: str, moment: datetime) -> tuple[ArmReport, ...]:
        """Return the reports on a model made at or after a moment; older replicas are gone."""
        recent = select(arms).where(arms.c.model == model, arms.c.reported_at >= moment).order_by(arms.c.replica)
        with self._engine.connect() as connection:
            rows = connection.execute(recent).all()
        return tuple(ArmReport(**{**row._asdict(), "ready": bool(row.ready)}) for row in rows)

    def replicas(self, moment: datetime) -> int:
        """Return how many replicas reported, on any model, at or after a moment."""
        recent = select(func.count(distinct(arms.c.replica))).where(arms.c.reported_at >= moment)
        with self._engine.connect() as connection:
            return int(connection.execute(recent).scalar_one())
