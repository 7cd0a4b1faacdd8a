"""The very same request is answered again for a while."""

import numpy as np

from serving.cache.exact import ExactCache
from serving.cache.vector import Vector


def vector(value: float = 1.0) -> Vector:
    """Return a vector of two features and one view."""
    rows = Vector(np.full((3, 2), value, np.float32), np.zeros((3, 2), bool), np.zeros((3, 1)))
    return rows.row(1)


def test_answer_is_kept_for_so_many_seconds_and_no_longer() -> None:
    """The features behind it move on."""
    now = [0.0]
    cache = ExactCache(5.0, 10, lambda: now[0])
    cache.keep("a", 0.25, vector())
    now[0] = 4.9
    kept = cache.find("a")
    assert kept is not None
    assert (kept.score, kept.vector.features.tolist()) == (0.25, [1.0, 1.0])
    now[0] = 5.0
    assert cache.find("a") is None


def test_being_given_again_does_not_make_it_younger() -> None:
    """Else a question that is asked all the time would be answered by the first answer for ever."""
    now = [0.0]
    cache = ExactCache(5.0, 10, lambda: now[0])
    cache.keep("a", 0.25, vector())
    for second in range(5):
        now[0] = float(second)
        assert cache.find("a") is not None
    now[0] = 5.0
    assert cache.find("a") is None


def test_least_recently_given_makes_room() -> None:
    """It never holds more than it may."""
    cache = ExactCache(5.0, 2, lambda: 0.0)
    cache.keep("a", 0.1, vector())
    cache.keep("b", 0.2, vector())
    assert cache.find("a") is not None
    cache.keep("c", 0.3, vector())
    assert cache.find("b") is None
    assert cache.find("a") is not None


def test_kept_vector_holds_nothing_of_the_rows_beside_it() -> None:
    """A row must not keep a whole micro-batch in memory, nor change with it."""
    rows = Vector(np.zeros((64, 2), np.float32), np.zeros((64, 2), bool), np.zeros((64, 1)))
    one = rows.row(3)
    rows.features[3] = 9
    assert one.features.base is None
    assert one.features.tolist() == [0.0, 0.0]
