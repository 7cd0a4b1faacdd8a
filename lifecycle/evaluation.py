"""What was measured about a candidate and its rivals on the same validation rows."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from lifecycle.policy import MetricName, Rival

HIGHER_IS_BETTER: frozenset[MetricName] = frozenset({"auc", "average_precision"})
"""For every other metric, lower is better."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Metrics(_Value):
    """One scorer's metrics over some rows; None where a metric is undefined, as AUC is for one class."""

    rows: int
    positives: int
    auc: float | None
    average_precision: float | None
    brier: float | None
    log_loss: float | None
    calibration_error: float | None
    cost_per_row: float | None

    def of(self, metric: MetricName) -> float | None:
        """Return a metric by its policy name."""
        value: float | None = getattr(self, metric)
        return value


class Measured(_Value):
    """One scorer's metrics over all rows, and by slice name and slice value."""

    overall: Metrics
    slices: Mapping[str, Mapping[str, Metrics]]


class Evaluation(_Value):
    """A candidate and its rivals, measured on the same rows.

    `absent` says why a rival has no measurement. `first_version` claims that no champion stands,
    which is the one absence that costs the candidate nothing.
    """

    candidate: Measured
    rivals: Mapping[Rival, Measured]
    absent: Mapping[Rival, str]
    first_version: bool

    def scorers(self) -> Mapping[str, Measured]:
        """Return everything that was measured, the candidate first."""
        return {"candidate": self.candidate} | {str(rival): measured for rival, measured in self.rivals.items()}

    @model_validator(mode="after")
    def _every_absence_is_explained_once(self) -> Self:
        both = sorted(set(self.rivals) & set(self.absent))
        if both:
            raise ValueError(f"{', '.join(both)} cannot be both measured and absent")
        if self.first_version and "champion" in self.rivals:
            raise ValueError("a champion was measured, so this is no first version")
        return self
