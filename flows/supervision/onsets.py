"""Whether an alarm goes on, or had ended and begins anew: only the second is told again."""

import hashlib
from datetime import datetime, timedelta

from stores.ledger.signals import Signals

QUIET = timedelta(seconds=60)
"""An alarm that no look has found for so long has ended; what comes and goes more quickly is one alarm."""


class Onset:
    """One finding of an alarm, at the machine's time `at`; `said` is the same for as long as it says the same.

    Each finding rings the alarm's bell in the ledger once it has been told, so a bell that was quiet says that it had
    ended. `name` follows from what is said and from the last ring before: two who find one onset, or one that is
    killed before it rings and finds it again, give it the same name.
    """

    def __init__(self, signals: Signals, said: str, at: datetime) -> None:
        self._signals = signals
        self._bell = f"alarm:{_hashed(said)}"
        self._at = at
        rung_at = signals.last(self._bell)
        self.goes_on = rung_at is not None and at - rung_at < QUIET
        """Whether it was told and has not ended since."""
        self.name = _hashed(said if rung_at is None else f"{said}/{rung_at.isoformat()}")

    def ring(self) -> None:
        """Say that it was found now, and that it has been told."""
        self._signals.ring(self._bell, self._at)


def _hashed(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:32]
