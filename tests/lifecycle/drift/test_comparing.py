"""A window beside its baseline, and what is called moved."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from lifecycle.alarms import AlarmKind
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift, inconclusive
from lifecycle.drift.move import Move
from lifecycle.errors import InvalidInput
from lifecycle.profile import CategoryProfile, Profile
from lifecycle.profile_counting import count_texts
from lifecycle.watching_policy import DriftPolicy
from tests.bench.drift.made_up import NUMBERS, MadeUp, as_baseline, as_window, draw

DAYS = 7
POLICY = DriftPolicy(
    window_hours=168,
    minimum_rows=100,
    false_alarm_rate=0.01,
    minimum_effect=0.05,
    minimum_missing=0.02,
    features_alone="note",
    then="alarm",
)


@pytest.fixture(scope="module")
def baseline() -> Profile:
    """Return the baseline of 20,000 made-up rows of 60 days."""
    return as_baseline(draw(np.random.default_rng(1), 20_000, 60))


def window(rows: int = 2000) -> MadeUp:
    """Return rows of a week in which nothing moved."""
    return draw(np.random.default_rng(2), rows, DAYS)


def moves(baseline: Profile, made: MadeUp) -> dict[tuple[str, AlarmKind], Move]:
    """Return what is called moved, by column and kind."""
    found = decide_drift(compare(baseline, as_window(baseline, made), days=DAYS), POLICY)
    return {(move.column, move.kind): move for move in found}


def test_quiet_week_moves_nothing(baseline: Profile) -> None:
    """Rows of the same world raise nothing, and every column has been compared."""
    compared = compare(baseline, as_window(baseline, window()), days=DAYS)
    assert decide_drift(compared, POLICY) == ()
    assert {one.column for one in compared} == {*baseline.features, *baseline.categories, "score", "label"}


def test_column_that_vanishes_is_named_in_one_look(baseline: Profile) -> None:
    """All values gone is a move of the missing, and no other: there are no values left to compare."""
    made = window(300)
    gone = made.defaulted.copy()
    gone[:, NUMBERS.index("normal")] = True
    (move,) = moves(baseline, replace(made, defaulted=gone)).values()
    assert (move.column, move.kind, move.value) == ("normal", AlarmKind.MISSING, 1.0)
    assert "all 300 rows" in move.reason


def test_column_with_bad_days_before_is_still_found_when_it_vanishes() -> None:
    """Gaps that came by days leave a window of one day little proof, but all of it gone was never seen."""
    rng = np.random.default_rng(7)
    made = draw(rng, 20_000, 60)
    bad_days = np.isin(made.days, (3, 30))
    gaps = made.defaulted.copy()
    gaps[:, 0] = bad_days & (rng.random(20_000) < 0.5)
    own = as_baseline(replace(made, defaulted=gaps))
    assert own.features["normal"].missing_day_correlation > 0.4
    today = draw(rng, 300, 1)
    gone = today.defaulted.copy()
    gone[:, 0] = True
    compared = compare(own, as_window(own, replace(today, defaulted=gone)), days=1)
    assert [(move.column, move.kind) for move in decide_drift(compared, POLICY)] == [("normal", AlarmKind.MISSING)]


def test_unit_change_of_one_column_is_named(baseline: Profile) -> None:
    """Degrees that come in another unit lie beyond the baseline's range, and the sentence says where."""
    made = window(300)
    matrix = made.matrix.copy()
    matrix[:, 1] = matrix[:, 1] * 1.8 + 32.0
    found = moves(baseline, replace(made, matrix=matrix))
    assert set(found) == {("normal_with_gaps", AlarmKind.DRIFT)}
    move = found["normal_with_gaps", AlarmKind.DRIFT]
    assert move.value > 1.0 > move.limit
    assert "of the values are at most" in move.reason


def test_new_code_for_a_known_place_is_unseen(baseline: Profile) -> None:
    """A renamed category is told by its new name's share and by the old one's loss."""
    made = window()
    renamed: list[str | None] = ["LGA" if place == "pla0002" else place for place in made.texts["place"]]
    found = moves(baseline, replace(made, texts={**made.texts, "place": renamed}))
    assert set(found) == {("place", AlarmKind.DRIFT), ("place", AlarmKind.UNSEEN)}
    assert found["place", AlarmKind.UNSEEN].value == pytest.approx(0.22, abs=0.03)


def test_new_names_among_rare_ones_are_not_told_apart(baseline: Profile) -> None:
    """Where the baseline counts its own rare values together, a comparison says that it does not know."""
    compared = {one.column: one for one in compare(baseline, as_window(baseline, window()), days=DAYS)}
    assert (compared["tail_number"].unseen, compared["tail_number"].unseen_moved) == (None, None)
    assert compared["place"].unseen == 0.0
    fresh: list[str | None] = ["brand new"] * 2000
    made = window()
    found = moves(baseline, replace(made, texts={**made.texts, "tail_number": fresh}))
    assert set(found) == {("tail_number", AlarmKind.DRIFT)}


def test_scores_and_labels_have_kinds_of_their_own(baseline: Profile) -> None:
    """A model that answers otherwise, or outcomes that turn, are no drift of a feature."""
    made = window()
    late = np.ones_like(made.labels)
    found = moves(baseline, replace(made, scores=made.scores / 2.0, labels=late))
    assert set(found) == {("score", AlarmKind.SCORES), ("label", AlarmKind.LABELS)}
    assert "are '1', where the baseline has 2" in found["label", AlarmKind.LABELS].reason


def test_window_with_too_few_rows_is_inconclusive(baseline: Profile) -> None:
    """However much moved, less rows than the policy asks for prove nothing, and the caller sees which columns."""
    made = window(99)
    compared = compare(baseline, as_window(baseline, replace(made, matrix=made.matrix + 1000.0)), days=DAYS)
    assert decide_drift(compared, POLICY) == ()
    assert set(inconclusive(compared, POLICY)) == {one.column for one in compared}


def test_certain_but_small_move_is_no_move(baseline: Profile) -> None:
    """With many rows everything is certain; the effect has to matter as well."""
    large = draw(np.random.default_rng(3), 60_000, DAYS)
    matrix = large.matrix.copy()
    matrix[:, 0] += 0.1
    made = replace(large, matrix=matrix)
    compared = {one.column: one for one in compare(baseline, as_window(baseline, made), days=DAYS)}
    moved = compared["normal"].moved
    assert moved is not None
    assert moved.blocked_p_value < 1e-6
    assert moves(baseline, made) == {}
    strict = POLICY.model_copy(update={"minimum_effect": 0.005})
    assert [move.column for move in decide_drift(tuple(compared.values()), strict)] == ["normal"]


def test_rows_that_come_by_days_are_worth_fewer() -> None:
    """A week of seven storms is no proof: the blocked p-value allows for it, the other does not."""
    own = as_baseline(draw(np.random.default_rng(4), 20_000, 60, alike=0.5))
    compared = compare(own, as_window(own, draw(np.random.default_rng(5), 5000, DAYS, alike=0.5)), days=DAYS)
    normal = compared[0]
    assert normal.moved is not None
    assert normal.moved.p_value < 1e-12
    assert normal.moved.blocked_p_value > 1e-3
    assert DAYS < normal.effective_rows < 3 * DAYS
    assert decide_drift(compared, POLICY) == ()


def test_empty_window_and_empty_baseline_say_so(baseline: Profile) -> None:
    """Without values there is no distance: None, not a number that looks like one."""
    nothing = as_window(baseline, draw(np.random.default_rng(6), 0, DAYS))
    for one in compare(baseline, nothing, days=1):
        assert (one.rows, one.psi, one.moved, one.effect) == (0, None, None, 0.0)
    compared = compare(nothing, nothing, days=1)
    assert decide_drift(compared, POLICY) == ()


def test_comparison_is_plain_json(baseline: Profile) -> None:
    """What a look keeps as evidence reads back."""
    for one in compare(baseline, as_window(baseline, window()), days=DAYS):
        kept = json.loads(json.dumps(asdict(one), allow_nan=False))
        assert kept["column"] == one.column
        assert Comparison(**{**kept, "moved": one.moved, "missing_moved": one.missing_moved, "unseen_moved": None})


def test_profiles_that_do_not_fit_are_refused(baseline: Profile) -> None:
    """Counts on other bins or names, or of no day, are no window of this baseline."""
    now = as_window(baseline, window(200))
    other_names = {**now.categories, "place": count_texts(CategoryProfile(counts={"X": 1}, other=0, missing=0), ["X"])}
    other_edges = {**now.features, "normal": now.features["uniform"]}
    for broken in (
        now.model_copy(update={"features": {}}),
        now.model_copy(update={"categories": other_names}),
        now.model_copy(update={"features": other_edges}),
    ):
        with pytest.raises(InvalidInput, match="count the window on the baseline"):
            compare(baseline, broken, days=DAYS)
    with pytest.raises(InvalidInput, match="1 day or more, not 0"):
        compare(baseline, now, days=0)
