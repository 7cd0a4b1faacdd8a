"""Who works on which job next: the one seam between jobs and what hands them out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lifecycle.jobs_policy import JobsPolicy
from stores.ledger.job_records import Claimed, NewJob
from stores.ledger.jobs import Jobs


class JobQueue(Protocol):
    """Hands jobs of the ledger to workers. A job may be handed out twice; the ledger lets one of them have it."""

    def offer(self, jobs: Sequence[NewJob]) -> None:
        """Take word of jobs that were stored; one that is lost here must be found again by `tend`. Never raises."""
        ...

    def take(self, model: str, policy: JobsPolicy, limit: int) -> Sequence[Claimed]:
        """Return jobs that this worker now has, at most so many; empty when there are none just now."""
        ...

    def done(self, jobs: Sequence[Claimed]) -> None:
        """Take word that this worker has dealt with jobs, whatever became of them."""
        ...

    def tend(self, model: str, policy: JobsPolicy) -> None:
        """Look after jobs that were handed out and never dealt with; called every second or so."""
        ...


@dataclass(frozen=True)
class LedgerQueue:
    """Every worker asks the ledger itself; nothing else has to run.

    A job's lease that ended is all there is to look after, and asking finds it. `wake` has this replica's worker ask
    at once; those of others ask within a second.
    """

    jobs: Jobs
    holder: str
    now: Callable[[], datetime]
    wake: Callable[[], None]

    def offer(self, jobs: Sequence[NewJob]) -> None:
        """Have the worker here ask at once."""
        if jobs:
            self.wake()

    def take(self, model: str, policy: JobsPolicy, limit: int) -> Sequence[Claimed]:
        """Return the most urgent jobs that are due."""
        return self.jobs.claim(
            model, holder=self.holder, lease_seconds=policy.lease_seconds, limit=limit, now=self.now()
        )

    def done(self, jobs: Sequence[Claimed]) -> None:
        """Nothing to do: what was dealt with is no longer due."""

    def tend(self, model: str, policy: JobsPolicy) -> None:
        """Nothing to do: a lease that ended is due."""
