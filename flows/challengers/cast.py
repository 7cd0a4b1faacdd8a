"""Who appears when: the versions that a play has registered while its traffic runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flows.challengers.better import make_better
from flows.challengers.material import Made, Material
from flows.challengers.slow_slice import make_slow_slice
from flows.challengers.wrong_feature import make_wrong_feature


@dataclass(frozen=True)
class Challenger:
    """A version to be: who makes it, and how long after the traffic's beginning it is registered."""

    name: str
    after: timedelta
    make: Callable[[Material], Made]


CAST = (
    Challenger("wrong-feature", timedelta(0), make_wrong_feature),
    Challenger("slow-slice", timedelta(hours=12), make_slow_slice),
    Challenger("better", timedelta(hours=24), make_better),
)
"""In the order in which they pass through the one shadow slot; while one is canary, the next is in shadow.

The better one comes last: a promotion would have the shadow beside it begin anew.
"""
