"""The states of a job and of its delivery, the only moves between them, and how long to wait before trying again."""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from lifecycle.errors import TransitionRefused


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    """Stored; a worker takes it once it is due."""
    RUNNING = "running"
    """A worker has it for the length of a lease; whoever died with it loses it when the lease ends."""
    SUCCEEDED = "succeeded"
    """Its answer is stored."""
    FAILED = "failed"
    """It will never have one; the reason is stored."""
    CANCELLED = "cancelled"
    """Its caller took it back; whatever a worker still makes of it is thrown away."""


class DeliveryState(StrEnum):
    """Where the message to a job's webhook stands."""

    WAITING = "waiting"
    SENDING = "sending"
    """A worker has it for the length of a lease."""
    DELIVERED = "delivered"
    """The receiver answered 2xx."""
    DEAD = "dead"
    """Given up; a person may have it tried again."""


JOB_MOVES: frozenset[tuple[JobState, JobState]] = frozenset(
    {
        (JobState.WAITING, JobState.RUNNING),
        (JobState.RUNNING, JobState.RUNNING),
        (JobState.RUNNING, JobState.WAITING),
        (JobState.RUNNING, JobState.SUCCEEDED),
        (JobState.RUNNING, JobState.FAILED),
        (JobState.WAITING, JobState.CANCELLED),
        (JobState.RUNNING, JobState.CANCELLED),
    }
)
"""Every move of a job there is. RUNNING to RUNNING is another worker's, after the lease of the first has ended."""

DELIVERY_MOVES: frozenset[tuple[DeliveryState, DeliveryState]] = frozenset(
    {
        (DeliveryState.WAITING, DeliveryState.SENDING),
        (DeliveryState.SENDING, DeliveryState.SENDING),
        (DeliveryState.SENDING, DeliveryState.WAITING),
        (DeliveryState.SENDING, DeliveryState.DELIVERED),
        (DeliveryState.SENDING, DeliveryState.DEAD),
        (DeliveryState.DEAD, DeliveryState.WAITING),
    }
)
"""Every move of a delivery there is. DEAD to WAITING is a person's alone."""

ENDED: frozenset[JobState] = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
"""States without a way out."""
DOUBLINGS = 60
"""Beyond these a pause is far longer than any limit."""


def job_sources(to: JobState) -> tuple[JobState, ...]:
    """Return the states from which a job may come to another, in the order of its life.

    >>> [str(state) for state in job_sources(JobState.CANCELLED)]
    ['waiting', 'running']
    """
    return tuple(state for state in JobState if (state, to) in JOB_MOVES)


def delivery_sources(to: DeliveryState) -> tuple[DeliveryState, ...]:
    """Return the states from which a delivery may come to another.

    >>> [str(state) for state in delivery_sources(DeliveryState.DEAD)]
    ['sending']
    """
    return tuple(state for state in DeliveryState if (state, to) in DELIVERY_MOVES)


def require_move(state: JobState, to: JobState) -> None:
    """Raise TransitionRefused, naming what is allowed, unless a job in this state may come to the other.

    >>> require_move(JobState.WAITING, JobState.CANCELLED)
    """
    if (state, to) not in JOB_MOVES:
        allowed = ", ".join(job_sources(to)) or "nothing"
        raise TransitionRefused(f"a job that is {state} cannot become {to}; allowed from: {allowed}")


def retry_seconds(failures: int, first: float, longest: float, rng: np.random.Generator) -> float:
    """Return how long to wait after so many failures in a row: `first` doubled each time, `longest` at most.

    Between half of that and all of it, at random, so that what failed together is not tried again together; see
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter ("equal jitter"). All are seconds.

    >>> 20 <= retry_seconds(4, 5.0, 3600.0, np.random.default_rng(1)) <= 40
    True
    """
    if failures < 1:
        raise ValueError(f"failures is {failures}; allowed: 1 or more")
    whole = min(longest, first * 2.0 ** min(failures - 1, DOUBLINGS))
    return float(whole * rng.uniform(0.5, 1.0))


def event_type(state: JobState) -> str:
    """Return the type of the message that tells how a job ended.

    >>> event_type(JobState.SUCCEEDED)
    'job.succeeded'
    """
    return _EVENTS[state]


_EVENTS: Mapping[JobState, str] = {JobState.SUCCEEDED: "job.succeeded", JobState.FAILED: "job.failed"}
