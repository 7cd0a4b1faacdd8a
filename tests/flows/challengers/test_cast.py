"""The cast enters in order, each within the first days."""

from datetime import timedelta
from itertools import pairwise

from flows.challengers.cast import CAST


def test_the_cast_enters_in_order_and_the_better_one_last() -> None:
    """A promotion would have the shadow beside it begin anew."""
    assert all(one.after < other.after for one, other in pairwise(CAST))
    assert CAST[-1].name == "better"
    assert CAST[-1].after < timedelta(days=2)
