"""Which rows are learned from, and which are judged on."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.training.window import TrainingWindow, choose_window, require_reach, require_rows, split_rows
from lifecycle.errors import EvidenceMissing, InvalidInput
from lifecycle.policy import BoosterPolicy, TrainingPolicy

NOW = datetime(2020, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = TrainingPolicy(
    window_days=90,
    validation_days=31,
    label_maturity_hours=24,
    minimum_rows=4,
    minimum_validation_rows=1,
    seed=1,
    rounds=1,
    parameters=BoosterPolicy(
        max_depth=1, learning_rate=1, subsample=1, colsample_bytree=1, min_child_weight=1, reg_lambda=1
    ),
)
WINDOW = choose_window(POLICY, NOW)


def examples(rows: list[tuple[datetime, datetime]]) -> pd.DataFrame:
    """Return rows of prediction moment and label moment."""
    return pd.DataFrame(rows, columns=["event_timestamp", "label_known_at"])


def test_window_of_the_policy_ends_now() -> None:
    """Ninety days, the last 31 of them judged on, the last 24 hours without labels."""
    assert TrainingWindow(NOW - 90 * DAY, NOW - 31 * DAY, NOW, NOW - DAY) == WINDOW


def test_given_window_is_used() -> None:
    """A person may ask for another span than the policy's."""
    start, end = NOW - 50 * DAY, NOW - 5 * DAY
    assert choose_window(POLICY, NOW, start, end) == TrainingWindow(start, end - 31 * DAY, end, end - DAY)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, NOW + DAY, "after now"),
        (NOW - 31 * DAY, None, "leaves nothing to learn from before its 31 validation days"),
        (datetime(2020, 1, 1), None, "no time zone; write it as 2020-01-01T00:00:00Z"),  # noqa: DTZ001 - the point
    ],
)
def test_window_that_cannot_be_is_refused(start: datetime | None, end: datetime | None, words: str) -> None:
    """The future, too short a span and a naive time are told with what to do."""
    with pytest.raises(InvalidInput, match=words):
        choose_window(POLICY, NOW, start, end)


@pytest.mark.parametrize(
    ("moment", "known_at", "used"),
    [
        (WINDOW.start_at, WINDOW.start_at + DAY, "learn"),
        (WINDOW.start_at - DAY, WINDOW.start_at, "none"),
        (WINDOW.split_at - DAY, WINDOW.split_at, "learn"),
        (WINDOW.split_at - DAY, WINDOW.split_at + DAY, "none"),
        (WINDOW.split_at, WINDOW.split_at + DAY, "judge"),
        (WINDOW.end_at - 2 * DAY, WINDOW.matured_at, "judge"),
        (WINDOW.end_at - 2 * DAY, WINDOW.matured_at + DAY / 24, "none"),
        (WINDOW.end_at, WINDOW.end_at, "none"),
    ],
)
def test_row_is_used_by_its_moment_and_its_label(moment: datetime, known_at: datetime, used: str) -> None:
    """A label that was not known when the judged days began is nothing a model of that day could learn."""
    learn, judge = split_rows(examples([(moment, known_at)]), WINDOW)
    assert (learn[0], judge[0]) == (used == "learn", used == "judge")


@given(st.lists(st.tuples(st.integers(-100, 10), st.integers(0, 40)), min_size=1, max_size=30))
def test_no_row_is_both_learned_from_and_judged_on(rows: list[tuple[int, int]]) -> None:
    """Whatever the times, learning never sees a judged row, nor a label from the judged days."""
    made = examples([(NOW + days * DAY, NOW + (days + later) * DAY) for days, later in rows])
    learn, judge = split_rows(made, WINDOW)
    assert not (learn & judge).any()
    assert (made["label_known_at"][learn] <= WINDOW.split_at).all()


@pytest.mark.parametrize(
    ("labels", "judged", "words"),
    [
        ([0, 1, 0], 5, "toy has 3 labelled rows from 2020-01-02 to 2020-03-01; its policy needs 4"),
        ([1, 1, 1, 1], 5, "all 4 rows of toy have label 1"),
        ([0, 1, 0, 1], 0, "no labelled row from 2020-03-01 to 2020-04-01 to judge on"),
    ],
)
def test_too_little_to_learn_from_is_told(labels: list[int], judged: int, words: str) -> None:
    """The message has the numbers and the span."""
    with pytest.raises(EvidenceMissing, match=words):
        require_rows("toy", np.array(labels), judged, POLICY, WINDOW)


@pytest.mark.parametrize(
    ("reached", "source_end", "enough"),
    [
        (NOW - DAY, NOW + DAY, True),
        (NOW - DAY - timedelta(seconds=1), NOW + DAY, False),
        (None, NOW + DAY, False),
        (NOW - 9 * DAY, NOW - 9 * DAY, True),
        (NOW - 10 * DAY, NOW - 9 * DAY, False),
    ],
    ids=["matured", "a-second-short", "never-ran", "source-ended", "source-ended-and-behind"],
)
def test_features_must_reach_the_last_row_that_counts(
    reached: datetime | None,
    source_end: datetime,
    enough: bool,  # noqa: FBT001 - a table
) -> None:
    """That is where labels have matured, or where a source that is over ended."""
    marks = {"ingest": NOW, "materialize": reached}
    if enough:
        require_reach("m", marks, WINDOW, source_end)
        return
    with pytest.raises(EvidenceMissing, match=r"materialize of m .* run the flows ingest and materialize first"):
        require_reach("m", marks, WINDOW, source_end)
