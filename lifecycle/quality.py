"""How good a version's answers turned out to be, and what their scores alone say about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from lifecycle.evaluation import Metrics

FigureName: TypeAlias = Literal[
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "calibration_error",
    "precision",
    "recall",
    "cost_per_row",
]
FIGURES: tuple[FigureName, ...] = (
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "calibration_error",
    "precision",
    "recall",
    "cost_per_row",
)
MORE_IS_BETTER: frozenset[FigureName] = frozenset({"auc", "average_precision", "precision", "recall"})
BLIND = (
    "It rests on scores alone, so it is blind to concept drift: when the same features have come to mean something "
    "else, it does not move."
)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Value):
    """A metric's value, and the interval it lies in; without one, too little was seen to say how sure it is."""

    value: float
    low: float | None = None
    high: float | None = None


class Figures(_Value):
    """Metrics over some labelled rows of so many different hours; None where a metric is undefined.

    Precision, recall and cost are those of the decisions that were given, the others those of the scores.
    """

    rows: int
    positives: int
    hours: int
    auc: Figure | None = None
    average_precision: Figure | None = None
    log_loss: Figure | None = None
    brier: Figure | None = None
    calibration_error: Figure | None = None
    precision: Figure | None = None
    recall: Figure | None = None
    cost_per_row: Figure | None = None

    def of(self, name: FigureName) -> Figure | None:
        """Return a metric by its name."""
        figure: Figure | None = getattr(self, name)
        return figure

    def metrics(self) -> Metrics:
        """Return the values alone of those that are kept of a training, too."""
        values = {name: found.value for name in FIGURES if (found := self.of(name)) is not None}
        return Metrics(
            rows=self.rows,
            positives=self.positives,
            auc=values.get("auc"),
            average_precision=values.get("average_precision"),
            brier=values.get("brier"),
            log_loss=values.get("log_loss"),
            calibration_error=values.get("calibration_error"),
            cost_per_row=values.get("cost_per_row"),
        )


class Labelling(_Value):
    """How the labels came: `late` ones after the policy's maturity, `corrected` ones with another word before.

    `by_people` is how many of the labels that stand are a person's.
    """

    known: int
    late: int
    corrected: int
    by_people: int
    newest_known_at: datetime | None = None


class Estimate(_Value):
    """What the scores of some answers say about their quality before any outcome is known.

    `figures` hold expected values; `positives` is the expected number, rounded. Scores were read as chances by what
    became of `calibrated_on` earlier answers; 0 says that there were too few, and that they were taken at their word,
    which proves nothing. `blind_to` is what it cannot see.
    """

    figures: Figures
    calibrated_on: int
    blind_to: str = BLIND


class Beside(_Value):
    """An estimate beside what came true, on the same rows; `held` says whether the interval had the truth in it."""

    estimate: float
    low: float
    high: float
    truth: float
    held: bool


class QualityDetail(_Value):
    """What is known beyond the values: how sure, in which slices, and what an estimate had said.

    Each interval is right with probability `level`, so that all `asks` that rules make of it are right together with
    the policy's `confidence`. `slices` holds figures by slice and value, `thin` the labelled rows of the values that
    have too few. `record` compares the estimate with the truth, on the labelled rows. `settled` says that every
    label had the time to come.
    """

    confidence: float
    asks: int
    level: float
    overall: Figures
    slices: Mapping[str, Mapping[str, Figures]]
    thin: Mapping[str, Mapping[str, int]]
    labels: Labelling
    estimate: Estimate | None = None
    record: Mapping[FigureName, Beside] | None = None
    settled: bool = False


@dataclass(frozen=True)
class Quality:
    """One version's quality over the predictions made for [since_at, until_at), in event time.

    `labelled` of its `predictions` had a label by `measured_at`; the metrics rest on those alone. A version named
    "tier:…" is a fallback tier, whoever's place it took.
    """

    model: str
    version: str
    since_at: datetime
    until_at: datetime
    predictions: int
    labelled: int
    metrics: Metrics
    measured_at: datetime
    detail: QualityDetail | None = field(default=None, hash=False)
