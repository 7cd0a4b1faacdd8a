"""Which arm answers a unit: always the same one within a rollout, and another draw in the next."""

from enum import StrEnum
from hashlib import blake2b

POSITIONS = 2.0**64


class Arm(StrEnum):
    """The part a version plays for one answer; the right-hand side is the log's."""

    CHAMPION = "champion"
    PREVIOUS = "previous"
    CANARY = "canary"
    CONTROL = "control"
    """The champion's version on the canary's path, for as many units: the baseline a canary is compared with."""
    SHADOW = "shadow"
    NAMED = "named"


def position(salt: str, unit: str) -> float:
    """Return where a unit stands in [0, 1), spread evenly over units, independently for each salt.

    >>> position("m/2/7", "N14228") == position("m/2/7", "N14228") != position("m/3/9", "N14228")
    True
    """
    # The key separates salt and unit, so that no two pairs read alike.
    digest = blake2b(unit.encode(), digest_size=8, key=blake2b(salt.encode(), digest_size=32).digest()).digest()
    return int.from_bytes(digest, "big") / POSITIONS


def arm_at(place: float, share: float) -> Arm:
    """Return a place's arm: the canary from the lower end, the control group from the upper, each `share` wide.

    A larger share only adds units to both. `share` is at most a half.

    >>> [str(arm_at(place, 0.1)) for place in (0.05, 0.5, 0.95)]
    ['canary', 'champion', 'control']
    """
    if place < share:
        return Arm.CANARY
    return Arm.CONTROL if place >= 1.0 - share else Arm.CHAMPION
