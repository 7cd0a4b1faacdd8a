"""Signals: when somebody last rang a named bell, so that who waits for it need not ask elsewhere."""

from datetime import datetime

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from stores.ledger.schema import signals

REGISTRY = "registry"
"""Rung by the registry's webhook: a version was registered or changed."""


class Signals:
    """The newest ring of each bell."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ring(self, name: str, at: datetime) -> None:
        """Store that a bell was rung; an earlier ring than the stored one changes nothing."""
        mine = delete(signals).where(signals.c.name == name, signals.c.at < at)
        try:
            with self._engine.begin() as connection:
                connection.execute(mine)
                if connection.execute(select(signals.c.at).where(signals.c.name == name)).first() is None:
                    connection.execute(insert(signals).values(name=name, at=at))
        except IntegrityError:
            # Somebody else rang at the same moment; whoever listens hears one of the two.
            return

    def last(self, name: str) -> datetime | None:
        """Return when a bell was last rung, or None when it never was."""
        with self._engine.connect() as connection:
            return connection.scalars(select(signals.c.at).where(signals.c.name == name)).first()
