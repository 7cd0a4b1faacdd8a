"""When an earlier answer may be given again."""

from typing import Self

from pydantic import model_validator

from lifecycle.misfit import Misplaced, Where, repeated
from lifecycle.section import Positive, PositiveNumber, Section


class Tolerance(Section):
    """How far two values of a feature may lie apart to count as one."""

    feature: str
    within: PositiveNumber


class CachePolicy(Section):
    """How long and how many answers are kept by each replica, to be given again to the same question.

    An answer rests on features that move, so it is kept for `keep_seconds` and no longer. `tolerances` says of which
    features values that lie near each other count as one; all others must be the same to the bit. Without any, only
    the very same request is answered again.
    """

    keep_seconds: PositiveNumber
    keep_answers: Positive
    tolerances: tuple[Tolerance, ...]

    @model_validator(mode="after")
    def _features_are_named_once(self) -> Self:
        named: dict[Where, str] = {("tolerances", at, "feature"): one.feature for at, one in enumerate(self.tolerances)}
        misfits = repeated(named)
        if misfits:
            raise Misplaced(misfits)
        return self
