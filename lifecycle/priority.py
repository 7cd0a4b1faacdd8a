"""How urgent a request is: what is answered first, and refused last, when there is more than can be answered."""

from enum import IntEnum


class Priority(IntEnum):
    """The most urgent first, so that they sort as they are served."""

    INTERACTIVE = 0
    """A person waits for the answer."""
    STANDARD = 1
    """A program waits."""
    BACKFILL = 2
    """Nobody waits."""
