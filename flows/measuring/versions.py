"""The quality of one version over one window, from its rows with their labels."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from flows.measuring.outcomes import OUTCOME
from lifecycle.judging_quality import asks
from lifecycle.measuring.answers import Answers
from lifecycle.measuring.estimate import Experience, estimate
from lifecycle.measuring.figures import measure_answers
from lifecycle.measuring.record import beside_truth
from lifecycle.policy import Policy
from lifecycle.quality import Figures, Labelling, Quality, QualityDetail

HOUR_US = 3_600_000_000
SLICE = "slice:"
"""What the names of the columns that hold slices begin with."""


@dataclass(frozen=True)
class Window:
    """Prediction moments in [start, end), measured at `now`; `settled` once their labels had the time to come."""

    start: datetime
    end: datetime
    now: datetime
    maturity: timedelta

    @property
    def settled(self) -> bool:
        """Whether every label had the time to come."""
        return self.now >= self.end + self.maturity


def measure_version(
    policy: Policy, version: str, window: Window, rows: pd.DataFrame, experience: Experience
) -> Quality:
    """Return a version's quality.

    `rows` are its last answers in the window with the columns of `known_labels`, null where no label is known, and
    its slices as "slice:<name>".
    """
    known = rows[rows["label"].notna().to_numpy()]
    answers = answers_of(known, policy)
    large, thin = _sizes(known, policy.watching.quality.minimum_labels)
    asked = asks(policy.watching.quality, {name: len(values) for name, values in large.items()})
    level = 1 - (1 - policy.watching.quality.confidence) / asked

    def of_slice(name: str, value: str) -> Figures:
        return measure_answers(answers.where((known[SLICE + name] == value).to_numpy(bool)), policy.cost, level)

    overall = measure_answers(answers, policy.cost, level)
    checked = estimate(answers, experience, policy.cost, level) if window.settled else None
    detail = QualityDetail(
        confidence=policy.watching.quality.confidence,
        asks=asked,
        level=level,
        overall=overall,
        slices={name: {value: of_slice(name, value) for value in values} for name, values in large.items()},
        thin=thin,
        labels=_labelling(known, window.maturity),
        estimate=estimate(answers_of(rows, policy), experience, policy.cost, level),
        record=None if checked is None else beside_truth(checked, overall),
        settled=window.settled,
    )
    return Quality(
        policy.model,
        version,
        window.start,
        window.end,
        predictions=len(rows),
        labelled=len(known),
        metrics=overall.metrics(),
        measured_at=window.now,
        detail=detail,
    )


def answers_of(rows: pd.DataFrame, policy: Policy) -> Answers:
    """Return rows of the log with their labels as arrays; the decision is the one that was given."""
    decided = (rows["decision"] == policy.decision.positive).to_numpy("float64")
    moments = rows["moment_at"].to_numpy("datetime64[us]").astype(np.int64)
    return Answers(
        labels=rows["label"].to_numpy("float64"),
        scores=rows["score"].to_numpy("float64"),
        warned=np.where(rows["decision"].isna().to_numpy(), np.nan, decided),
        hours=moments // HOUR_US,
    )


def _sizes(known: pd.DataFrame, enough: int) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    """Return by slice the values with enough labelled rows, and the labelled rows of the others."""
    large: dict[str, list[str]] = {}
    thin: dict[str, dict[str, int]] = {}
    for column in known.columns[known.columns.str.startswith(SLICE)]:
        counts = {str(value): int(rows) for value, rows in known[column].value_counts().sort_index().items()}
        name = column.removeprefix(SLICE)
        large[name] = [value for value, rows in counts.items() if rows >= enough]
        thin[name] = {value: rows for value, rows in counts.items() if rows < enough}
    return large, thin


def _labelling(known: pd.DataFrame, maturity: timedelta) -> Labelling:
    newest = known["label_known_at"].max()
    return Labelling(
        known=len(known),
        late=int((known["first_known_at"] > known["moment_at"] + maturity).sum()),
        corrected=int(known["corrected"].astype(bool).sum()),
        by_people=int((known["source"] != OUTCOME).sum()),
        newest_known_at=None if pd.isna(newest) else newest.to_pydatetime(),
    )
