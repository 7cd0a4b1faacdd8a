"""The written recipe of the small model that is trained beside each version of our own."""

from typing import Annotated

from pydantic import Field as Limit

from lifecycle.section import Positive, Section


class SmallPolicy(Section):
    """How the small model is grown: few shallow trees that learn the version's own scores.

    The words are XGBoost's own; what is not written here is as for the version itself.
    """

    rounds: Positive
    max_depth: Annotated[int, Limit(ge=1, le=16)]
    learning_rate: Annotated[float, Limit(gt=0, le=1)]
