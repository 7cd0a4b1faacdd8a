"""How large a drill is: as large as its claim with HOLDFAST_DRILLS=full, else as large as it takes to see a fault."""

import os

VARIABLE = "HOLDFAST_DRILLS"
FULL, USUAL = "full", "usual"


def size(full: int, usual: int) -> int:
    """Return how many of something a drill has, as the environment says; raises ValueError for what it cannot say."""
    said = os.environ.get(VARIABLE, USUAL)
    if said not in (FULL, USUAL):
        raise ValueError(f"{VARIABLE} is {said!r}; set it to {FULL!r} or {USUAL!r}, or leave it out")
    return full if said == FULL else usual
