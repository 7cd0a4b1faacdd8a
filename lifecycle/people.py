"""Who may override the rules of a model, and in which way."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field as Limit

from lifecycle.errors import NotPermitted
from lifecycle.section import Section


class Override(StrEnum):
    """What a person may do beside the rules."""

    ROLL_BACK = "roll_back"
    HOLD = "hold"
    RESUME = "resume"
    PROMOTE = "promote"
    PIN = "pin"
    RECALIBRATE = "recalibrate"
    """Proposed numbers take the place of written ones; not about traffic."""
    REVIEW = "review"
    """Answer for the model where it is unsure, and say how sampled answers turned out; not about traffic."""


class Person(Section):
    """A person or an on-call role, by the name they act under."""

    name: Annotated[str, Limit(min_length=1)]
    may: Annotated[tuple[Override, ...], Limit(min_length=1)]


def require_permission(people: tuple[Person, ...], name: str, asked: Override) -> None:
    """Raise NotPermitted, naming who may, unless the policy lets this person do this."""
    if any(person.name == name and asked in person.may for person in people):
        return
    able = ", ".join(person.name for person in people if asked in person.may) or "nobody"
    raise NotPermitted(
        f"{name!r} may not {asked} this model; its policy lets {able}. Ask one of them, or change `people` there."
    )
