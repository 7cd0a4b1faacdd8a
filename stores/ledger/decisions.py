"""Decisions: every choice with its findings, kept for good."""

from dataclasses import asdict

from sqlalchemy import Connection, Engine, Row, func, insert, select

from lifecycle.errors import NotFound
from lifecycle.verdict import Decision, Finding, Verdict
from stores.ledger.schema import decisions

COLUMNS = tuple(column for column in decisions.columns if column.name != "ordinal")
OLDEST_FIRST = (decisions.c.decided_at, decisions.c.ordinal)
NEWEST_FIRST = tuple(column.desc() for column in OLDEST_FIRST)
"""A replay's clock stands still for many decisions; those of one moment follow each other as they were stored."""


class Decisions:
    """The decision log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, decision: Decision) -> None:
        """Store a decision."""
        with self._engine.begin() as connection:
            insert_decision(connection, decision)

    def of(self, model: str, limit: int | None = 100) -> tuple[Decision, ...]:
        """Return a model's newest decisions, newest first; every one without a limit."""
        newest = select(*COLUMNS).where(decisions.c.model == model).order_by(*NEWEST_FIRST)
        with self._engine.connect() as connection:
            return tuple(_decision(row) for row in connection.execute(newest.limit(limit)))

    def actions(self, model: str, version: str) -> tuple[str, ...]:
        """Return what was decided about a version, oldest first; nothing when nobody judged it yet."""
        mine = select(decisions.c.action).where(decisions.c.model == model, decisions.c.version == version)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(mine.order_by(*OLDEST_FIRST)))

    def models(self) -> tuple[str, ...]:
        """Return the models that anything was decided about, sorted."""
        with self._engine.connect() as connection:
            return tuple(connection.scalars(select(decisions.c.model).distinct().order_by(decisions.c.model)))

    def known(self, decision_id: str) -> bool:
        """Return whether a decision is stored."""
        mine = select(decisions.c.decision_id).where(decisions.c.decision_id == decision_id)
        with self._engine.connect() as connection:
            return connection.execute(mine).first() is not None

    def get(self, decision_id: str) -> Decision:
        """Return one decision; raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(select(*COLUMNS).where(decisions.c.decision_id == decision_id)).first()
        if row is None:
            raise NotFound(f"no decision {decision_id!r}")
        return _decision(row)


def insert_decision(connection: Connection, decision: Decision) -> None:
    """Store a decision within a transaction."""
    values = {column.name: getattr(decision, column.name) for column in COLUMNS}
    values["findings"] = [asdict(finding) for finding in decision.findings]
    values["evidence"] = dict(decision.evidence)
    stored = select(func.coalesce(func.max(decisions.c.ordinal), 0)).where(decisions.c.model == decision.model)
    connection.execute(insert(decisions).values(**values, ordinal=stored.scalar_subquery() + 1))


def _decision(row: Row[tuple[object, ...]]) -> Decision:
    values = row._asdict()
    values["verdict"] = Verdict(values["verdict"])
    values["findings"] = tuple(
        Finding(**{**finding, "verdict": Verdict(finding["verdict"])}) for finding in values["findings"]
    )
    return Decision(**values)
