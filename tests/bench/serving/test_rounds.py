"""Figures over rounds are medians, and ratios compare within a round."""

from tests.bench.serving.load import Measured
from tests.bench.serving.rounds import Round, middle, ratio


def round_of(per_second: int) -> Round:
    """Return a round that answered so many requests in a second under every load."""
    measured = Measured(requests=per_second, seconds=1.0, p50_ms=1.0, p99_ms=2.0)
    return Round(alone=measured, many=measured, batch=measured, alone_from=0.0, alone_to=1.0, many_to=2.0)


def test_middle_ignores_one_slow_round() -> None:
    """What else the machine did for a second does not move the figure."""
    assert middle([round_of(100), round_of(1), round_of(102)], lambda one: one.many.per_second) == 100


def test_ratio_compares_rounds_that_ran_side_by_side() -> None:
    """A minute in which everything is half as fast leaves the ratio as it was."""
    ours, theirs = [round_of(100), round_of(50), round_of(100)], [round_of(50), round_of(25), round_of(50)]
    assert ratio(ours, theirs, lambda one: one.many.per_second) == 2.0


def test_rows_count_a_whole_batch_per_request() -> None:
    """Ten requests of 64 rows are 640 rows."""
    assert round_of(10).rows_per_second == 640
