"""Suites: what a batch of one stream must look like, and its examination by Great Expectations.

A model's suites live in `expectations/<model>.py` as `SUITES`, one per stream, plus `training_set` and
`served_predictions`. `examine` sets single bad rows aside and decides on the batch; see lifecycle/intake.py.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.kinds import Column, in_kind
from expectations.tallies import Examined, Expectation, examine_frame, failing_rows
from lifecycle.errors import NotFound
from lifecycle.intake import (
    HOUR,
    Age,
    BadRowLimit,
    Intake,
    Volume,
    VolumeLimit,
    count_window,
    decide_intake,
    expected_volume,
)
from lifecycle.verdict import Finding


@dataclass(frozen=True)
class Suite:
    """What a batch must look like.

    `columns` are all the columns it has, or with `other_columns` some of them. A row that fails one of `rows` is
    set aside; a batch that fails one of `batch`, or has more bad rows than `bad_rows` allows, is refused.
    `volume` and `freshness_hours` hold for a stream that flows; None for one that comes once.
    """

    columns: Mapping[str, Column]
    rows: tuple[Expectation, ...]
    batch: tuple[Expectation, ...]
    bad_rows: BadRowLimit
    volume: VolumeLimit | None
    freshness_hours: float | None
    other_columns: bool = False


@dataclass(frozen=True)
class Window:
    """The span [start, end) a batch was read for, and when the events stored before became known.

    `stored` are epoch seconds, sorted (n_events,): at least those of the four weeks before, if there are any.
    """

    start: datetime
    end: datetime
    stored: NDArray[np.float64]


@dataclass(frozen=True)
class Examination:
    """What was found in a batch: the decision, and the batch parted into good rows and bad.

    `good` has the declared columns in the dtypes of `kinds.in_kind`; its index is each row's position in the batch.
    `bad` maps the position of every other row to the expectations it failed.
    """

    intake: Intake
    good: pd.DataFrame
    bad: Mapping[int, tuple[str, ...]]

    @property
    def accepted(self) -> bool:
        """True when the good rows may be stored."""
        return self.intake.accepted

    @property
    def reason(self) -> str:
        """Why the batch was accepted or refused, with numbers and limits."""
        return self.intake.reason

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every expectation's and limit's finding."""
        return self.intake.findings


def load_suites(model: str) -> Mapping[str, Suite]:
    """Return a model's suites by name from `expectations/<model>.py`.

    Raises NotFound naming the module that should be there.
    """
    name = f"expectations.{model}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise NotFound(f"no suites for {model!r}: expectations/{model}.py is missing") from error
    suites: Mapping[str, Suite] = module.SUITES
    return suites


def examine(suite: Suite, frame: pd.DataFrame, window: Window | None = None) -> Examination:
    """Examine a batch `frame` (n_rows, n_columns) and decide on it.

    Without a window, rows and batch are held against the expectations alone: no volume, freshness or span.
    """
    frame = frame.reset_index(drop=True)
    if not _has_columns(suite, frame):
        # Nothing else can be said about a batch whose columns are not those declared.
        columns = examine_frame(frame, (), [_columns_are_the_declared(suite)])
        tallies = [each.tally for each in columns]
        intake = decide_intake(tallies, rows=len(frame), bad_rows=0, bad_row_limit=suite.bad_rows)
        return Examination(intake, frame.iloc[:0], {})
    shaped, examined = in_kind(frame, suite.columns)
    if len(shaped):
        found = examine_frame(shaped, (*suite.rows, *_known_in(window, shaped)), suite.batch)
        examined += tuple(_sparing_first_copies(each, shaped) for each in found)
    bad = failing_rows(examined)
    good = shaped.drop(index=[row for row in bad if row in shaped.index])
    intake = decide_intake(
        [each.tally for each in examined],
        rows=len(frame),
        bad_rows=len(bad),
        bad_row_limit=suite.bad_rows,
        volume=_volume(suite, good, window),
        age=_age(suite, good, window),
    )
    return Examination(intake, good, bad)


def _has_columns(suite: Suite, frame: pd.DataFrame) -> bool:
    declared, there = set(suite.columns), set(frame.columns)
    return declared <= there if suite.other_columns else declared == there


def _columns_are_the_declared(suite: Suite) -> Expectation:
    import great_expectations.expectations as gxe  # noqa: PLC0415 - takes seconds, and only an examination needs it

    return gxe.ExpectTableColumnsToMatchSet(column_set=list(suite.columns), exact_match=not suite.other_columns)


def _known_in(window: Window | None, frame: pd.DataFrame) -> tuple[Expectation, ...]:
    import great_expectations.expectations as gxe  # noqa: PLC0415 - as above

    if window is None or "known_at" not in frame.columns:
        return ()
    start, end = pd.Timestamp(window.start), pd.Timestamp(window.end)
    return (gxe.ExpectColumnValuesToBeBetween(column="known_at", min_value=start, max_value=end, strict_max=True),)


def _sparing_first_copies(examined: Examined, frame: pd.DataFrame) -> Examined:
    """Return a finding of repeated keys less the first of copies that agree in everything.

    A repeat that says the same is one event told twice; of repeats that disagree nobody knows which is true.
    """
    if examined.tally.critical or not examined.unique_over or not examined.rows.size:
        return examined
    key = list(examined.unique_over)
    repeated = frame.loc[examined.rows]
    tellings = (~repeated.duplicated()).groupby([repeated[column] for column in key]).transform("sum")
    spared = ~repeated.duplicated(key) & (tellings == 1)
    rows = examined.rows[~spared.to_numpy()]
    return replace(examined, rows=rows, tally=replace(examined.tally, failed=rows.size, held=not rows.size))


def _volume(suite: Suite, good: pd.DataFrame, window: Window | None) -> tuple[Volume, VolumeLimit] | None:
    if suite.volume is None or window is None:
        return None
    start, end = window.start.timestamp(), window.end.timestamp()
    # Good rows only: a flood of repeats must not hide that half of the events are missing.
    rows, hours = count_window(window.stored, len(good), start, end)
    expected = expected_volume(window.stored, start, end, suite.volume.rows_per_day)
    return Volume(rows, hours, expected), suite.volume


def _age(suite: Suite, good: pd.DataFrame, window: Window | None) -> Age | None:
    if suite.freshness_hours is None or window is None:
        return None
    end = window.end.timestamp()
    before = window.stored[window.stored < end]
    newest = max(before[-1] if before.size else -np.inf, good["known_at"].max().timestamp() if len(good) else -np.inf)
    return Age(hours=(end - newest) / HOUR if np.isfinite(newest) else None, limit_hours=suite.freshness_hours)
