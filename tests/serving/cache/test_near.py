"""Vectors that lie near enough to one seen lately."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.cache.near import NearCache

VECTOR = ("miles", "rate", "hour")
VALUES = st.floats(-1e6, 1e6, width=32)


def cache(**tolerances: float) -> NearCache:
    """Return a cache with tolerances."""
    return NearCache(VECTOR, tolerances, 5.0, 100, lambda: 0.0)


def keys(near: NearCache, *rows: tuple[float, float, float]) -> list[bytes]:
    """Return the keys of rows."""
    return near.keys(np.array(rows, dtype=np.float32))


def test_values_within_a_tolerance_count_as_one_and_others_do_not() -> None:
    """Only features that have a tolerance; all others must be the same to the bit."""
    near = cache(miles=50)
    first, same, far, other = keys(near, (1000, 0.5, 3), (1010, 0.5, 3), (1100, 0.5, 3), (1000, 0.5000001, 3))
    assert first == same
    assert len({first, far, other}) == 3
    near.keep(first, 0.25)
    assert near.find(same) == 0.25
    assert near.find(far) is None


def test_both_zeros_are_one_value() -> None:
    """Rounding a small negative value gives the other zero."""
    first, same, third = keys(cache(miles=50), (1, 0.0, 3), (-1, 0.0, 3), (1, -0.0, 3))
    assert first == same == third


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=2, max_size=20), st.floats(0.01, 1000))
def test_two_vectors_of_one_key_are_never_further_apart_than_declared(
    rows: list[tuple[float, float, float]], within: float
) -> None:
    """Whatever they are rounded to."""
    matrix = np.array(rows, dtype=np.float32)
    found = cache(miles=within).keys(matrix)
    for one, first in enumerate(found):
        for other, second in enumerate(found):
            if first == second:
                slack = 1e-9 * max(1.0, abs(float(matrix[one, 0])))
                assert abs(float(matrix[one, 0]) - float(matrix[other, 0])) <= within + slack
                assert (matrix[one, 1:] == matrix[other, 1:]).all()
