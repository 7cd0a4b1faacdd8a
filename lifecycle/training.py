"""One training of a model: why it was asked for, how far it came, and what came of it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """Why a version is trained anew."""

    QUALITY = "quality"
    DRIFT = "drift"
    LABELS = "labels"
    """Enough new outcomes are known."""
    SCHEDULE = "schedule"
    PERSON = "person"


class TrainingState(StrEnum):
    """How far a training has come."""

    ASKED = "asked"
    """Not begun, or put off because something it needs was away; the next run of the flow begins it."""
    STARTED = "started"
    """Begun; when its process is gone, the next run of the flow takes it up, once."""
    ENDED = "ended"
    """A version was registered and judged."""
    FAILED = "failed"
    """It came to no version that could be judged."""
    HELD = "held"
    """There was too little data to begin with; it counts as if nobody had asked."""


OPEN = frozenset({TrainingState.ASKED, TrainingState.STARTED})


@dataclass(frozen=True)
class Training:
    """One training. All its times are event time.

    `alarms` are those it answers, by id. `attempts` counts how often it was begun: more than once only when a process
    was stopped on the way. `outcome` says in words what came of it, or why it waits.
    """

    training_id: str
    model: str
    cause: Cause
    reason: str
    asked_at: datetime
    alarms: tuple[str, ...] = ()
    state: TrainingState = TrainingState.ASKED
    attempts: int = 0
    version: str | None = None
    outcome: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def begun_at(self) -> datetime:
        """When it was first begun, or else asked for."""
        return self.started_at or self.asked_at


def training_id(model: str, occasion: str) -> str:
    """Return the name of the training for an occasion: two who ask for the same one give it the same name.

    The occasion is a person's key, or how many trainings there were before.
    """
    return hashlib.sha256(f"training/{model}/{occasion}".encode()).hexdigest()[:32]
