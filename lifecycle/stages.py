"""The stages of a model version's life, and the only moves between them."""

from enum import StrEnum

from lifecycle.errors import TransitionRefused


class Stage(StrEnum):
    """Where a version stands; the right-hand side is its tag in the registry."""

    REGISTERED = "registered"
    """Stored; nobody has judged it yet."""
    SHADOW = "shadow"
    """Shown what the champion is asked; its answers are compared and never seen."""
    CANARY = "canary"
    """Answers for a share of the units, beside the champion."""
    HELD = "held"
    """In shadow or canary for longer than its policy allows without proof; waits for a person where it stands."""
    CHAMPION = "champion"
    """Answers the model's traffic."""
    RETIRED = "retired"
    """Was champion; stays loadable as the way back."""
    REJECTED = "rejected"
    """Refused at the door, at the offline gate or in shadow; answered nobody."""
    ROLLED_BACK = "rolled_back"
    """Answered users as canary or champion and was taken back."""


TRANSITIONS = frozenset(
    {
        (Stage.REGISTERED, Stage.SHADOW),
        (Stage.REGISTERED, Stage.REJECTED),
        (Stage.REGISTERED, Stage.CHAMPION),
        (Stage.SHADOW, Stage.CANARY),
        (Stage.SHADOW, Stage.HELD),
        (Stage.SHADOW, Stage.REJECTED),
        (Stage.SHADOW, Stage.CHAMPION),
        (Stage.CANARY, Stage.CANARY),
        (Stage.CANARY, Stage.HELD),
        (Stage.CANARY, Stage.ROLLED_BACK),
        (Stage.CANARY, Stage.CHAMPION),
        (Stage.HELD, Stage.SHADOW),
        (Stage.HELD, Stage.CANARY),
        (Stage.HELD, Stage.REJECTED),
        (Stage.HELD, Stage.ROLLED_BACK),
        (Stage.HELD, Stage.CHAMPION),
        (Stage.CHAMPION, Stage.RETIRED),
        (Stage.CHAMPION, Stage.ROLLED_BACK),
        (Stage.RETIRED, Stage.CHAMPION),
        (Stage.ROLLED_BACK, Stage.CHAMPION),
    }
)
"""Every move there is. REGISTERED to CHAMPION is a model's first version, which has nobody to stand beside.
SHADOW to CHAMPION and ROLLED_BACK to CHAMPION are a named person's alone. RETIRED to CHAMPION is the roll back.
"""


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
