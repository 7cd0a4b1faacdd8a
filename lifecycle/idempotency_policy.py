"""The written rules for requests that are sent twice: by their key, or as they are at the same moment."""

from typing import Annotated, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.section import Positive, PositiveNumber, Section

LONGEST_WAIT_MS = 60_000


class IdempotencyPolicy(Section):
    """How long a key and its answer are kept, and how long a repeated request waits for the first.

    An answer of more than `max_answer_bytes` is given once and not kept. `share_identical` lets requests without a key
    that are the same, byte for byte, and under way at the same moment have one answer.
    """

    keep_hours: PositiveNumber
    wait_ms: Annotated[float, Limit(gt=0, le=LONGEST_WAIT_MS)]
    max_answer_bytes: Positive
    share_identical: bool

    @model_validator(mode="after")
    def _a_key_outlives_the_wait_for_it(self) -> Self:
        if self.keep_hours * 3_600_000 <= self.wait_ms:
            raise ValueError(
                f"keep_hours is {self.keep_hours:g}, so a key would be gone before a repeated request has waited for "
                f"wait_ms, {self.wait_ms:g}; allowed: keep_hours of more than {self.wait_ms / 3_600_000:g}"
            )
        return self
