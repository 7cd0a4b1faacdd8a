"""Decisions: every choice with its findings, kept for good."""

from dataclasses import asdict

from sqlalchemy import Connection, Engine, Row, insert, select

from lifecycle.errors import NotFound
from lifecycle.verdict import Decision, Finding, Verdict
from stores.ledger.schema import decisions

COLUMNS = tuple(column.name for column in decisions.columns)


class Decisions:
    """The decision log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, decision: Decision) -> None:
        """Store a decision."""
        with self._engine.begin() as connection:
            insert_decision(connection, decision)

    def of(self, model: str, limit: int = 100) -> tuple[Decision, ...]:
        """Return a model's newest decisions, newest first."""
        newest = select(decisions).where(decisions.c.model == model).order_by(decisions.c.decided_at.desc())
        with self._engine.connect() as connection:
            return tuple(_decision(row) for row in connection.execute(newest.limit(limit)))

    def actions(self, model: str, version: str) -> tuple[str, ...]:
        """Return what was decided about a version, oldest first; nothing when nobody judged it yet."""
        mine = select(decisions.c.action).where(decisions.c.model == model, decisions.c.version == version)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(mine.order_by(decisions.c.decided_at)))

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
            row = connection.execute(select(decisions).where(decisions.c.decision_id == decision_id)).first()
        if row is None:
            raise NotFound(f"no decision {decision_id!r}")
        return _decision(row)


def insert_decision(connection: Connection, decision: Decision) -> None:
    """Store a decision within a transaction."""
    values = {name: getattr(decision, name) for name in COLUMNS if name not in ("findings", "evidence")}
    values["findings"] = [asdict(finding) for finding in decision.findings]
    values["evidence"] = dict(decision.evidence)
    connection.execute(insert(decisions).values(values))


def _decision(row: Row[tuple[object, ...]]) -> Decision:
    values = row._asdict()
    values["verdict"] = Verdict(values["verdict"])
    values["findings"] = tuple(
        Finding(**{**finding, "verdict": Verdict(finding["verdict"])}) for finding in values["findings"]
    )
    return Decision(**values)
