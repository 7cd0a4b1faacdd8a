"""Whether the registry has rung since we last listened."""

from sqlalchemy import Engine

from stores.ledger.signals import REGISTRY, Signals


class Bell:
    """Hears each ring once; rings before the first time it listens are heard then."""

    def __init__(self, engine: Engine, name: str = REGISTRY) -> None:
        self._signals = Signals(engine)
        self._name = name
        self._heard_at: object = None

    def rung(self) -> bool:
        """Return whether there was a ring since the last time this was asked."""
        last, heard = self._signals.last(self._name), self._heard_at
        self._heard_at = last
        return last is not None and last != heard
