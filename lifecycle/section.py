"""A section of a policy: frozen, and closed to keys it does not know."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limit


class Section(BaseModel):
    """What every part of a policy is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Positive = Annotated[int, Limit(gt=0)]
PositiveNumber = Annotated[float, Limit(gt=0)]
NotNegative = Annotated[float, Limit(ge=0)]
Fraction = Annotated[float, Limit(ge=0, le=1)]
Probability = Annotated[float, Limit(gt=0, lt=1)]
