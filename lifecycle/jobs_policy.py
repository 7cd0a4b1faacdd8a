"""The written limits of what is answered later: jobs, and the messages that tell of their end."""

from typing import Annotated, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.misfit import Misfit, Misplaced
from lifecycle.section import Positive, PositiveNumber, Section


class WebhookPolicy(Section):
    """How a receiver is told that a job has ended, and when it is given up."""

    timeout_seconds: PositiveNumber
    attempts: Positive
    first_retry_seconds: PositiveNumber
    longest_retry_seconds: PositiveNumber


class JobsPolicy(Section):
    """How jobs are kept and worked on.

    `attempts` are workers that may die with a job; what no worker can help, such as a feature store that is away, is
    waited out up to `longest_wait_hours`. `time_share` is of a replica's event loop.
    """

    lease_seconds: PositiveNumber
    attempts: Positive
    retry_seconds: PositiveNumber
    max_waiting: Positive
    longest_wait_hours: PositiveNumber
    keep_hours: PositiveNumber
    time_share: Annotated[float, Limit(gt=0, le=1)]
    webhook: WebhookPolicy

    @model_validator(mode="after")
    def _the_longest_pause_is_the_longest(self) -> Self:
        first, longest = self.webhook.first_retry_seconds, self.webhook.longest_retry_seconds
        if longest < first:
            reason = f"it is {longest:g}, but first_retry_seconds is {first:g}; allowed: at least that"
            raise Misplaced([Misfit(("webhook", "longest_retry_seconds"), reason)])
        return self
