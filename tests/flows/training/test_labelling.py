"""Which rows are learned from and judged on, under whose label, and what each counts."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.training.booster import grow_booster
from flows.training.labelling import Labelled, label_rows, weights_of
from flows.training.said import Said
from flows.training.window import TrainingWindow
from lifecycle.policy import Policy
from tests.flows import toy

DAY = timedelta(days=1)
SPLIT = toy.START + 10 * DAY
WINDOW = TrainingWindow(toy.START, SPLIT, toy.START + 15 * DAY, toy.START + 14 * DAY)


class SomeLabels:
    """Words of people, as (example, label, source, known at)."""

    def __init__(self, *words: tuple[str, int, str, datetime]) -> None:
        self.words = words

    def newest(self, model: str, until: datetime | None = None) -> pd.DataFrame:  # noqa: ARG002 - as the ledger's
        """Return what stands of each example by a moment."""
        frame = pd.DataFrame(
            [word for word in self.words if until is None or word[3] <= until],
            columns=["example_id", "label", "source", "known_at"],
        )
        frame["known_at"] = pd.to_datetime(frame["known_at"], utc=True).astype("datetime64[us, UTC]")
        return frame.sort_values("known_at").drop_duplicates("example_id", keep="last", ignore_index=True)


class SomeLog:
    """Served requests by example, as the prediction log answers its one question."""

    def __init__(self, **requests: dict[str, object]) -> None:
        self.requests = requests

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, object]]:  # noqa: ARG002 - as the log's
        """Return the requests of the examples that are asked for."""
        ids = parameters[3]
        assert isinstance(ids, list)
        return [
            {"example_id": name, "request": json.dumps(request)}
            for name, request in self.requests.items()
            if name in ids
        ]


def asked(*rows: tuple[str, float]) -> pd.DataFrame:
    """Return requests, each asked some days after the start."""
    moments = [toy.START + days * DAY for _, days in rows]
    frame = pd.DataFrame({"example_id": [name for name, _ in rows], "event_timestamp": moments})
    frame["event_timestamp"] = pd.to_datetime(frame["event_timestamp"], utc=True).astype("datetime64[us, UTC]")
    return frame.assign(unit="u1", site="north", load=0.5, asked_at=frame["event_timestamp"])


def outcomes(*rows: tuple[str, float, float, int]) -> pd.DataFrame:
    """Return examples: each asked and known some days after the start, with a label."""
    frame = asked(*((name, days) for name, days, _, _ in rows))
    known = pd.to_datetime([toy.START + days * DAY for _, _, days, _ in rows], utc=True)
    frame.insert(2, "label_known_at", pd.Series(known).astype("datetime64[us, UTC]"))
    frame.insert(3, "label", pd.Series([label for *_, label in rows], dtype="int64"))
    return frame


def labelled(
    known: pd.DataFrame,
    said: SomeLabels | None = None,
    requests: pd.DataFrame | None = None,
    log: SomeLog | None = None,
) -> Labelled:
    """Return what is used of some examples."""
    reading = None if said is None else Said(said, log or SomeLog())
    return label_rows(toy.DEFINITION, known, lambda: known if requests is None else requests, WINDOW, reading)


def told(found: Labelled) -> list[tuple[str, int, str, bool]]:
    """Return each row's example, label, source, and whether it is learned from."""
    rows = found.examples
    return list(zip(rows["example_id"], rows["label"], found.sources, found.learn.tolist(), strict=True))


def test_without_a_word_rows_are_the_outcomes_alone() -> None:
    """To the dtype: nothing about them may change because people could have spoken."""
    known = outcomes(("a", 1, 2, 0), ("b", 9.5, 11, 1), ("c", 11, 12, 1), ("d", 11, 14.5, 1))
    plain, asked_of = labelled(known), labelled(known, SomeLabels())
    assert told(plain) == told(asked_of) == [("a", 0, "outcome", True), ("c", 1, "outcome", False)]
    pd.testing.assert_frame_equal(plain.examples, asked_of.examples)


@pytest.mark.parametrize(
    ("said_on", "label", "source"),
    [(1.5, 0, "outcome"), (2, 1, "person"), (9, 1, "person"), (10.5, 0, "outcome")],
    ids=["before-the-outcome", "with-it", "after-it", "after-the-split"],
)
def test_of_a_learned_row_the_word_that_was_known_last_before_the_split_stands(
    said_on: float, label: int, source: str
) -> None:
    """A correction from the judged days would be knowledge that a model of that day had not."""
    said = SomeLabels(("a", 1, "person", toy.START + said_on * DAY))
    assert told(labelled(outcomes(("a", 1, 2, 0)), said)) == [("a", label, source, True)]


def test_of_a_judged_row_a_word_counts_until_labels_have_matured() -> None:
    """A wrong outcome must not be held against a version."""
    known = outcomes(("a", 11, 12, 0), ("b", 11, 12, 0))
    said = SomeLabels(("a", 1, "review", toy.START + 13.9 * DAY), ("b", 1, "review", toy.START + 14.1 * DAY))
    assert told(labelled(known, said)) == [("a", 1, "review", False), ("b", 0, "outcome", False)]


def test_a_row_that_only_a_person_labelled_is_learned_from_and_never_judged_on() -> None:
    """What has no outcome, or one that came too late, is there by a person's word."""
    known = outcomes(("a", 1, 2, 0), ("late", 3, 12, 0))
    requests = asked(("a", 1), ("cancelled", 4), ("late", 3), ("judged", 11), ("silent", 5))
    word = toy.START + 9 * DAY
    said = SomeLabels(*((name, 1, "person", word) for name in ("cancelled", "late", "judged", "elsewhere")))
    found = labelled(known, said, requests)
    assert told(found) == [("a", 0, "outcome", True), ("cancelled", 1, "person", True), ("late", 1, "person", True)]
    assert found.examples["label_known_at"].tolist()[1:] == [word, word]
    assert found.examples.dtypes.equals(known.dtypes)


def test_a_captured_request_that_no_event_tells_of_comes_from_the_log() -> None:
    """What was served is what a person looked at; a request without a field of the contract cannot be asked again."""
    odd = {"unit": "u7", "site": "south", "load": 9.0, "asked_at": "2020-01-04T00:00:00Z"}
    log = SomeLog(odd=odd, broken={"unit": "u7"}, later={**odd, "asked_at": "2020-01-12T00:00:00Z"})
    word = toy.START + 9 * DAY
    said = SomeLabels(*((name, 1, "capture", word) for name in ("odd", "broken", "later")))
    found = labelled(outcomes(("a", 1, 2, 0)), said, log=log)
    assert told(found) == [("a", 0, "outcome", True), ("odd", 1, "capture", True)]
    row = found.examples.iloc[1]
    assert (row["unit"], row["load"]) == ("u7", 9.0)
    assert row["event_timestamp"] == row["asked_at"] == toy.START + 3 * DAY


WORDS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1), st.sampled_from(["person", "capture"]), st.floats(-1, 20)),
    max_size=20,
)


@given(st.lists(st.tuples(st.floats(0, 14.9), st.floats(0, 6), st.integers(0, 1)), min_size=1, max_size=8), WORDS)
def test_whoever_says_what_when_nothing_is_learned_from_the_judged_days(
    rows: list[tuple[float, float, int]], words: list[tuple[int, int, str, float]]
) -> None:
    """No learned row is asked, and no learned label known, after the split; no judged label after it matured."""
    known = outcomes(*((str(row), at, at + later, label) for row, (at, later, label) in enumerate(rows)))
    said = SomeLabels(*((str(row), label, who, toy.START + day * DAY) for row, label, who, day in words))
    found = labelled(known, said)
    examples, learn = found.examples, found.learn
    assert not examples["example_id"].duplicated().any()
    assert (examples["event_timestamp"][learn] < SPLIT).all()
    assert (examples["label_known_at"][learn] <= SPLIT).all()
    assert (examples["event_timestamp"][~learn] >= SPLIT).all()
    assert (examples["label_known_at"][~learn] <= WINDOW.matured_at).all()


def test_weights_follow_the_policy(policy: Policy) -> None:
    """An outcome counts once, a person's word and a labelled capture as written."""
    sources = np.array(["outcome", "person", "review", "capture"], dtype=object)
    assert weights_of(sources, policy.retraining).tolist() == [1, 3, 3, 2]


def test_weights_of_one_give_the_bytes_of_none_and_others_do_not(policy: Policy) -> None:
    """A model that people never spoke of is the same file as before they could."""
    rows = toy.some_rows(3000)
    ones = np.ones(3000, dtype=np.float32)
    twice = np.where(np.arange(3000) < 300, 3, 1).astype(np.float32)
    plain, same, other = (
        bytes(
            grow_booster(rows.matrix, rows.labels, toy.DEFINITION.vector, policy.training, weights=weights).save_raw(
                "ubj"
            )
        )
        for weights in (None, ones, twice)
    )
    assert plain == same
    assert plain != other
