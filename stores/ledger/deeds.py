"""The audit log: who did which administrative deed, with which key, and what became of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Engine, insert, select

from stores.ledger.tenants_schema import deeds

DONE, REFUSED = "done", "refused"


@dataclass(frozen=True)
class Deed:
    """One deed; `reason` says why it was refused, and is empty for one that was done.

    `key_id`, `tenant` and `role` are None for somebody who needed no key.
    """

    at: datetime
    action: str
    subject: str
    detail: str
    who: str
    key_id: str | None
    tenant: str | None
    role: str | None
    outcome: str
    reason: str


class Deeds:
    """The deeds, to which is added and from which nothing is taken away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, deed: Deed) -> None:
        """Store a deed."""
        with self._engine.begin() as connection:
            connection.execute(insert(deeds).values(deed_id=uuid4().hex, **asdict(deed)))

    def newest(self, limit: int, who: str | None = None) -> Sequence[Deed]:
        """Return the newest deeds first, at most `limit`, of one person when they are named."""
        wanted = select(deeds).order_by(deeds.c.at.desc(), deeds.c.deed_id).limit(limit)
        if who is not None:
            wanted = wanted.where(deeds.c.who == who)
        with self._engine.connect() as connection:
            rows = [row._asdict() for row in connection.execute(wanted)]
        return [Deed(**{name: value for name, value in row.items() if name != "deed_id"}) for row in rows]
