"""The names of predictions."""

from serving.prediction_ids import PredictionIds


def test_ids_are_unique_and_sort_in_the_order_given() -> None:
    """Also when the clock stands still or is set back."""
    times = iter([1000.0, 1000.0, 900.0, 1000.001])
    ids = PredictionIds(lambda: next(times))
    given = [name for _ in range(4) for name in ids.take(50)]
    assert len(set(given)) == 200
    assert given == sorted(given)
    assert {len(name) for name in given} == {32}


def test_two_processes_never_give_the_same_id() -> None:
    """Each run has its own random part."""
    one, other = PredictionIds(lambda: 5.0), PredictionIds(lambda: 5.0)
    assert not set(one.take(1000)) & set(other.take(1000))
