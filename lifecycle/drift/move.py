"""A move: something about a column that is certain, and large enough to matter."""

from dataclasses import dataclass

from lifecycle.alarms import AlarmKind


@dataclass(frozen=True)
class Move:
    """One column that moved, in which way, and the numbers that say so.

    `kind` is DRIFT, MISSING, UNSEEN, SCORES or LABELS. `value` is held against `limit`: PSI beyond chance for DRIFT,
    SCORES and LABELS; by how much the share of missing rows changed for MISSING; the share of new values for UNSEEN,
    whose limit is what the baseline leads to expect. `certainty` is the chance of a look in which anything looks so
    although nothing moved.
    """

    column: str
    kind: AlarmKind
    value: float
    limit: float
    certainty: float
    reason: str
