"""Request bodies about many planes."""

import json
import random
from collections.abc import Sequence

from tests.serving.conftest import Row, flight

SEED = 20130401
CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "WN", "9E", "VX")
ORIGINS = ("EWR", "JFK", "LGA")
TROUBLING_MILES = 4500.0
"""From here the failing version of these drills gives no probability (see failing_version.py)."""
CRASHING_MILES = 5000.0
"""From here it raises."""
ENDLESS_MILES = 5500.0
"""From here it does not come back in time."""


def planes(count: int) -> list[str]:
    """Return distinct tail numbers."""
    return [f"N{number:05d}" for number in range(count)]


def mixed_bodies(count: int) -> list[bytes]:
    """Return requests of one to three rows about distinct planes; some rows are such as the failing version fails on.

    One row in fifty is troubling, one in five hundred is endless.
    """
    draw = random.Random(SEED)
    tails = iter(planes(3 * count))
    return [body([_varied(draw, next(tails)) for _ in range(draw.randint(1, 3))]) for _ in range(count)]


def body(rows: Sequence[Row]) -> bytes:
    """Return rows as a request's body."""
    return json.dumps({"rows": rows}).encode()


def _varied(draw: random.Random, tail: str) -> Row:
    kind = draw.random()
    miles = ENDLESS_MILES if kind < 0.002 else TROUBLING_MILES if kind < 0.022 else float(draw.randint(200, 2500))
    return flight(
        carrier=draw.choice(CARRIERS),
        origin=draw.choice(ORIGINS),
        flight=draw.randint(1, 9999),
        tail_number=tail,
        distance_miles=miles,
    )
