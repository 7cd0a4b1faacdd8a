"""How urgent a request is: what is answered first, and refused last, when there is more than can be answered."""

from enum import IntEnum

from lifecycle.errors import InvalidInput


class Priority(IntEnum):
    """The most urgent first, so that they sort as they are served."""

    INTERACTIVE = 0
    """A person waits for the answer."""
    STANDARD = 1
    """A program waits."""
    BACKFILL = 2
    """Nobody waits."""


PRIORITIES = {priority.name.lower(): priority for priority in Priority}
"""The priorities by the words that people and programs use for them."""


def priority_named(word: str) -> Priority:
    """Return the priority of a word; raises InvalidInput, naming the words there are.

    >>> priority_named("backfill").name
    'BACKFILL'
    """
    found = PRIORITIES.get(word)
    if found is None:
        raise InvalidInput(f"the priority is {word!r}; allowed: {', '.join(PRIORITIES)}")
    return found
