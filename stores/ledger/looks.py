"""Looks: what each round of watching found, kept for good."""

from dataclasses import asdict, fields

from sqlalchemy import Engine, Row, delete, func, insert, select

from lifecycle.look import Look
from lifecycle.verdict import Finding, Verdict
from stores.ledger.watching_schema import looks


class Looks:
    """The looks at every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, look: Look) -> None:
        """Store a look, in place of one with its id."""
        values = {field.name: getattr(look, field.name) for field in fields(look)}
        values |= {"findings": [asdict(finding) for finding in look.findings], "evidence": dict(look.evidence)}
        with self._engine.begin() as connection:
            connection.execute(delete(looks).where(looks.c.look_id == look.look_id))
            connection.execute(insert(looks).values(values))

    def newest(self, model: str, limit: int = 1) -> tuple[Look, ...]:
        """Return a model's newest looks, newest first."""
        mine = select(looks).where(looks.c.model == model).order_by(looks.c.until_at.desc(), looks.c.looked_at.desc())
        with self._engine.connect() as connection:
            return tuple(_look(row) for row in connection.execute(mine.limit(limit)))

    def count(self, model: str) -> int:
        """Return how many looks at a model there were."""
        with self._engine.connect() as connection:
            return int(connection.scalar(select(func.count()).where(looks.c.model == model)) or 0)


def _look(row: Row[tuple[object, ...]]) -> Look:
    values = row._asdict()
    values["verdict"] = Verdict(values["verdict"])
    values["findings"] = tuple(
        Finding(**{**finding, "verdict": Verdict(finding["verdict"])}) for finding in values["findings"]
    )
    return Look(**values)
