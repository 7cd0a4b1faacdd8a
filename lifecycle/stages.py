"""The stages of a model version's life, and the only moves between them."""

from enum import StrEnum

from lifecycle.errors import TransitionRefused


class Stage(StrEnum):
    """Where a version stands; the right-hand side is its tag in the registry."""

    REGISTERED = "registered"
    """Stored and proven to load; nobody has judged it yet."""
    CHAMPION = "champion"
    """Answers the model's traffic."""
    RETIRED = "retired"
    """Was champion; stays loadable as the way back."""
    REJECTED = "rejected"
    """Failed its gate, or had too little evidence to pass it; never serves."""


TRANSITIONS = frozenset(
    {
        (Stage.REGISTERED, Stage.CHAMPION),
        (Stage.REGISTERED, Stage.REJECTED),
        (Stage.CHAMPION, Stage.RETIRED),
        (Stage.RETIRED, Stage.CHAMPION),
    }
)
"""Every move there is. RETIRED to CHAMPION is the roll back."""


def move(stage: Stage, to: Stage) -> Stage:
    """Return the new stage; raises TransitionRefused naming the moves that are allowed instead.

    >>> move(Stage.REGISTERED, Stage.CHAMPION)
    <Stage.CHAMPION: 'champion'>
    """
    if (stage, to) not in TRANSITIONS:
        allowed = [known for known in Stage if (stage, known) in TRANSITIONS]
        raise TransitionRefused(
            f"a {stage} version cannot become {to}; allowed from {stage}: {', '.join(allowed) or 'nothing'}"
        )
    return to
