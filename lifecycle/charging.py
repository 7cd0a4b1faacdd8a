"""What one answer costs: a share of its tier's price, and the time that was computed for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lifecycle.prices_policy import PricesPolicy

ANSWERS = 1000
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Charges:
    """The policy's prices, for one answer of each tier and for one microsecond of computing."""

    per_answer: Mapping[str, float]
    per_microsecond: float

    def of(self, tier: str, compute_us: float) -> float:
        """Return the cost of one answer of a tier that took so many microseconds.

        >>> Charges({"model": 0.002}, 0.001).of("model", 3)
        0.005
        """
        return self.per_answer[tier] + self.attempt(compute_us)

    def attempt(self, compute_us: float) -> float:
        """Return the cost of an attempt that gave no answer."""
        return self.per_microsecond * compute_us


def charges_of(prices: PricesPolicy) -> Charges:
    """Return a policy's prices per answer and microsecond.

    >>> from lifecycle.prices_policy import TierPrices
    >>> tiers = TierPrices(model=2, previous=2, small=1, rule=0, static=0, cache=0)
    >>> charges_of(PricesPolicy(per_1000_answers=tiers, per_cpu_second=1)).of("model", 500_000)
    0.502
    """
    tiers = prices.per_1000_answers.model_dump()
    return Charges({tier: price / ANSWERS for tier, price in tiers.items()}, prices.per_cpu_second / MICROSECONDS)
