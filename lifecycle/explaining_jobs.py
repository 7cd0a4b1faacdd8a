"""What is answered later, as English sentences."""

from collections.abc import Iterator

from lifecycle.explaining_rules import in_hundred
from lifecycle.jobs_policy import JobsPolicy


def explain_jobs(jobs: JobsPolicy) -> Iterator[str]:
    """Yield how long a job may take, what it may cost the others, and how its caller hears of it."""
    yield (
        f"A request may be left as a job, which is answered by the version that was champion at that moment or not at "
        f"all. Up to {jobs.max_waiting:,} may wait, each for {jobs.longest_wait_hours:,g} hours at most; its answer is "
        f"kept for {jobs.keep_hours:,g} hours."
    )
    yield (
        f"Jobs take at most {in_hundred(jobs.time_share)} parts of a replica's time. A worker that has not ended one "
        f"within {jobs.lease_seconds:,g} seconds loses it to another; after {jobs.attempts} workers died with it, it "
        f"has failed. One that cannot be answered just now is tried again after about {jobs.retry_seconds:,g} seconds."
    )
    webhook = jobs.webhook
    yield (
        f"A receiver is told within {webhook.timeout_seconds:,g} seconds or again later: {webhook.attempts} times, "
        f"after {webhook.first_retry_seconds:,g} seconds, then after twice as long each time, up to "
        f"{webhook.longest_retry_seconds:,g}. Then a person has to look."
    )
