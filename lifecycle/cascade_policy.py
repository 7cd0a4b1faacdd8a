"""When the small model may answer in the version's place."""

from typing import Annotated

from pydantic import Field as Limit

from lifecycle.section import Probability, Section


class CascadePolicy(Section):
    """How sure the small model must be of a row to answer it.

    Of the rows that it answers, at most the share `decided_otherwise_at_most` is decided otherwise than by the version,
    with `confidence`, as seen on the rows that both were judged on.
    """

    decided_otherwise_at_most: Probability
    confidence: Annotated[float, Limit(ge=0.5, lt=1)]
