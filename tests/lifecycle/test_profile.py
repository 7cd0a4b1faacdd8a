"""The baseline profile of inputs and scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput
from lifecycle.profile import CategoryProfile, NumericProfile, Profile, merge
from lifecycle.profile_counting import count_numbers, count_rows, count_texts
from lifecycle.profile_drawing import profile_labels, profile_numbers, profile_texts

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def none_missing(values: np.ndarray) -> np.ndarray:
    """Return the mask that marks nothing as missing."""
    return np.zeros(len(values), dtype=bool)


@given(st.lists(FLOATS, min_size=1, max_size=200))
def test_baseline_counts_every_row_inside_its_range(numbers: list[float]) -> None:
    """The counts add up, and the outer bins of a baseline are empty."""
    values = np.array(numbers)
    profile = profile_numbers(values, none_missing(values))
    assert sum(profile.counts) == len(numbers)
    assert profile.counts[0] == profile.counts[-1] == 0


@given(st.lists(FLOATS, min_size=1, max_size=100), st.lists(FLOATS, max_size=100))
def test_counts_of_parts_add_up_to_those_of_the_whole(first: list[float], second: list[float]) -> None:
    """Two windows counted in the same bins merge by addition."""
    edges = profile_numbers(np.array(first), none_missing(np.array(first))).edges

    def counts(values: list[float]) -> np.ndarray:
        return np.array(count_numbers(edges, np.array(values), none_missing(np.array(values))).counts)

    assert (counts(first) + counts(second)).tolist() == counts(first + second).tolist()


def test_uniform_numbers_fill_twenty_equal_bins() -> None:
    """Without heavy values, the bins hold equal shares."""
    values = np.arange(2000, dtype=float)
    counts = profile_numbers(values, none_missing(values)).counts
    assert [count for count in counts if count] == [100] * 20


def test_heavy_value_has_a_bin_of_its_own() -> None:
    """A count that is mostly 0 keeps its zeros apart from the small numbers."""
    values = np.concatenate([np.zeros(600), np.linspace(0.001, 9, 400)])
    profile = profile_numbers(values, none_missing(values))
    assert 600 in profile.counts
    nearly = count_numbers(profile.edges, np.array([0.0005]), np.array([False]))
    assert nearly.counts[profile.counts.index(600)] == 0


def test_values_outside_the_baseline_fall_into_the_outer_bins() -> None:
    """Below and above are counted as such, at once visible."""
    values = np.linspace(0, 1, 100)
    profile = profile_numbers(values, none_missing(values))
    live = count_numbers(profile.edges, np.array([-0.1, 0.5, 1.1, 7.0]), np.zeros(4, dtype=bool))
    assert (live.counts[0], live.counts[-1]) == (1, 2)


def test_missing_rows_are_counted_and_nowhere_else() -> None:
    """A defaulted value says nothing about the feature's distribution."""
    values = np.array([1.0, 2.0, np.nan, 99.0])
    profile = profile_numbers(values, np.array([False, False, True, True]))
    assert (sum(profile.counts), profile.missing) == (2, 2)
    assert max(profile.edges) == 2.0


def test_all_missing_has_one_empty_bin() -> None:
    """A feature that was never there still has a profile."""
    profile = profile_numbers(np.array([np.nan]), np.array([True]))
    assert profile == NumericProfile(edges=(), counts=(0,), missing=1)


def test_unmarked_nan_is_refused() -> None:
    """A gap that nobody declared is a defect, not a value."""
    with pytest.raises(InvalidInput, match="mark its row as missing"):
        count_numbers((0.0,), np.array([np.nan]), np.array([False]))


def test_float32_values_keep_their_bins_through_json() -> None:
    """Edges survive storage to the last bit, so a value never changes its bin."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=500).astype(np.float32)
    profile = profile_numbers(values, none_missing(values))
    stored = NumericProfile.model_validate_json(profile.model_dump_json())
    assert stored == profile
    assert count_numbers(stored.edges, values, none_missing(values)).counts == profile.counts


def test_rare_texts_are_counted_together() -> None:
    """Only the 200 most frequent are named; ties go by name, so equal data gives equal profiles."""
    texts = [f"N{number:03}" for number in range(250)] + ["N249", None]
    profile = profile_texts(texts)
    assert (len(profile.counts), profile.other, profile.missing) == (200, 50, 1)
    assert list(profile.counts)[:2] == ["N249", "N000"]


def test_profile_survives_json() -> None:
    """What is stored beside a version reads back equal."""
    number = profile_numbers(np.array([1.0, 2.0]), np.array([False, False]))
    profile = Profile(
        rows=2,
        features={"minutes": number},
        categories={"place": CategoryProfile(counts={"A": 2}, other=0, missing=0)},
        score_rows=2,
        score=number,
    )
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


@pytest.mark.parametrize(("edges", "counts"), [((1.0, 2.0), (1, 2)), ((2.0, 1.0), (0, 1, 0)), ((1.0, 1.0), (0, 1, 0))])
def test_counts_that_do_not_fit_the_edges_are_refused(edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    """A damaged profile is no baseline."""
    with pytest.raises(ValueError, match="edges"):
        NumericProfile(edges=edges, counts=counts, missing=0)


VECTOR = ("minutes", "degrees")


def rows(rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    """Return made-up rows: a count that is mostly 0 with gaps, and a temperature."""
    minutes = np.maximum(rng.normal(size=size), 0.0)
    return {
        "matrix": np.column_stack([minutes, rng.normal(20, 5, size)]).astype(np.float32),
        "defaulted": rng.random((size, 2)) < 0.1,
        "places": rng.choice(np.array(["JFK", "EWR", "LGA"]), size),
        "scores": rng.random(size),
    }


def baseline(rng: np.random.Generator, size: int = 2000) -> Profile:
    """Return a baseline of such rows."""
    made = rows(rng, size)
    return Profile(
        rows=size,
        features={
            name: profile_numbers(made["matrix"][:, column], made["defaulted"][:, column])
            for column, name in enumerate(VECTOR)
        },
        categories={"place": profile_texts(made["places"].tolist())},
        score_rows=size,
        score=profile_numbers(made["scores"], none_missing(made["scores"])),
        labels=profile_labels(rng.integers(0, 2, size)),
    )


def counted(own: Profile, made: dict[str, np.ndarray], chosen: slice) -> Profile:
    """Return some of the rows on a baseline's bins."""
    return count_rows(
        own,
        matrix=made["matrix"][chosen],
        defaulted=made["defaulted"][chosen],
        vector=VECTOR,
        texts={"place": made["places"][chosen].tolist(), "remark": ["unknown to the baseline"]},
        scores=made["scores"][chosen],
    )


@given(st.integers(min_value=0, max_value=300))
def test_counts_of_windows_merge_to_those_of_both(cut: int) -> None:
    """Wherever a window is cut in two, its parts add up to the whole, in any order."""
    rng = np.random.default_rng(5)
    own, made = baseline(rng), rows(rng, 300)
    first, second = counted(own, made, slice(0, cut)), counted(own, made, slice(cut, None))
    assert merge(first, second) == merge(second, first) == counted(own, made, slice(None))


def test_rows_counted_on_their_own_baseline_are_the_baseline() -> None:
    """The same rows, drawn or counted, give the same counts."""
    rng = np.random.default_rng(6)
    made = rows(rng, 500)
    own = baseline(np.random.default_rng(6), 500)
    again = counted(own, made, slice(None))
    assert (again.features, again.categories, again.score) == (own.features, own.categories, own.score)


def test_value_without_a_name_counts_as_other_however_many_there_are() -> None:
    """A thousand tail numbers that the baseline does not name take one count."""
    own = CategoryProfile(counts={"JFK": 9, "EWR": 1}, other=0, missing=0)
    now = count_texts(own, ["JFK", None, *(f"N{number}" for number in range(1000))])
    assert now == CategoryProfile(counts={"JFK": 1, "EWR": 0}, other=1000, missing=1)


def test_value_that_is_not_finite_counts_as_missing_when_rows_are_counted() -> None:
    """What a gateway logged is counted whatever it holds; nothing of it may stop the counting."""
    own = baseline(np.random.default_rng(7))
    now = count_rows(
        own,
        matrix=np.array([[np.nan, np.inf], [1.0, 20.0]], dtype=np.float32),
        defaulted=np.zeros((2, 2), dtype=bool),
        vector=VECTOR,
        texts={"place": ["JFK", None]},
        scores=np.array([0.5, np.nan]),
    )
    assert [profile.missing for profile in (*now.features.values(), now.score)] == [1] * 3
    assert now.categories["place"].missing == 1
    assert (now.rows, now.score_rows, now.labels) == (2, 2, None)


def test_column_that_is_not_there_is_named() -> None:
    """A baseline is never compared with less than it knows."""
    own = baseline(np.random.default_rng(8))
    nothing = np.zeros((1, 1), dtype=np.float32)
    with pytest.raises(InvalidInput, match=r"degrees, place"):
        count_rows(own, matrix=nothing, defaulted=nothing > 0, vector=["minutes"], texts={}, scores=np.zeros(1))


def test_profiles_in_other_bins_are_not_added_up() -> None:
    """Counts of other bins or names mean something else."""
    own = baseline(np.random.default_rng(9))
    others = (
        own.model_copy(update={"score": NumericProfile(edges=(0.5,), counts=(1, 1), missing=0)}),
        own.model_copy(update={"categories": {"place": CategoryProfile(counts={"SFO": 1}, other=0, missing=0)}}),
        own.model_copy(update={"features": {}}),
    )
    for other in others:
        with pytest.raises(InvalidInput, match=r"on one baseline"):
            merge(own, other)


def test_labels_that_only_one_of_two_has_are_kept() -> None:
    """Outcomes come later than rows; those that are known count."""
    own = baseline(np.random.default_rng(10))
    assert merge(own, own.model_copy(update={"labels": None})).labels == own.labels
    both = merge(own, own).labels
    assert both is not None
    assert own.labels is not None
    assert both.counts == {name: 2 * count for name, count in own.labels.counts.items()}


def test_profile_of_an_earlier_release_still_reads() -> None:
    """A version that was accepted before days were counted keeps its baseline."""
    stored = (
        '{"rows":1,"features":{"minutes":{"edges":[0.5],"counts":[1,0],"missing":0}},'
        '"categories":{"place":{"counts":{"JFK":1},"other":0,"missing":0}},'
        '"score_rows":1,"score":{"edges":[0.5],"counts":[1,0],"missing":0}}'
    )
    profile = Profile.model_validate_json(stored)
    assert (profile.days, profile.labels, profile.features["minutes"].day_correlation) == (0, None, 0.0)


def test_storms_that_last_a_day_are_measured_as_such() -> None:
    """Half of a value that the whole day shares is a correlation of a half; rows on their own have none."""
    rng = np.random.default_rng(11)
    days = np.repeat(np.arange(200), 50)
    shared = rng.normal(size=200)[days] + rng.normal(size=10_000)
    alone = rng.normal(size=10_000)
    gaps = np.isin(days, np.arange(20))
    profile = profile_numbers(shared, gaps, days)
    assert profile.rank_day_correlation == pytest.approx(0.5, abs=0.06)
    assert profile.day_correlation == pytest.approx(0.04, abs=0.01)
    assert profile.missing_day_correlation == 1.0
    assert profile_numbers(alone, none_missing(alone), days).rank_day_correlation < 0.005
    texts = ["wet" if value > 0 else "dry" for value in shared]
    assert profile_texts(texts, days).day_correlation == pytest.approx(1 / 3, abs=0.06)
