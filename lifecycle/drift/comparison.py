"""What a look knows of one column: how far it stands from the baseline, and how sure that is."""

from dataclasses import dataclass
from typing import Literal

What = Literal["feature", "category", "score", "label"]
TestName = Literal["chi-square", "ranks", "commonest value"]


@dataclass(frozen=True)
class Certainty:
    """The chance of seeing as much while nothing moved: for independent rows, and for rows that come by days.

    `blocked_p_value` is the one to act on. They are equal where the baseline does not know its days.
    """

    p_value: float
    blocked_p_value: float


@dataclass(frozen=True)
class Comparison:
    """One column of a window beside its baseline; plain values throughout, so that `asdict` is JSON.

    `rows` and `baseline_rows` count all rows, of which the shares `missing` and `baseline_missing` hold no value. The
    rest compares the values that are there, and is None where a side has none: the distances `psi`, `js` (0 to 0.833)
    and `ks` (0 to 1, numbers only), the statistic `chi2`, and `moved`. `expected_psi` is the mean of `psi` while
    nothing moves, `blocked_expected_psi` the same for rows that come by days; `effective_rows` and
    `effective_baseline_rows` say how many independent ones those with a value are worth.
    `moved` says how likely the distances are by chance, by the more certain of the tests, which is `decisive`, with the
    p-value doubled where there were two. Values that are new have a test of their own and are no part of it; it and
    `decisive` are None also where all values are new.
    `missing_moved` says it of the share of missing rows, None where neither side misses any.
    `unseen` is the share of values that the baseline does not have, and `baseline_unseen` the share of new ones that
    it leads to expect. They and `unseen_moved` are None for numbers, and where the baseline counts rare values
    together, among which new ones cannot be told apart.
    `change` says in words where the values differ most, "" where there is nothing to say.
    """

    column: str
    what: What
    rows: int
    baseline_rows: int
    missing: float
    baseline_missing: float
    missing_moved: Certainty | None
    psi: float | None = None
    expected_psi: float | None = None
    blocked_expected_psi: float | None = None
    js: float | None = None
    ks: float | None = None
    chi2: float | None = None
    effective_rows: float = 0.0
    effective_baseline_rows: float = 0.0
    moved: Certainty | None = None
    decisive: TestName | None = None
    unseen: float | None = None
    baseline_unseen: float | None = None
    unseen_moved: Certainty | None = None
    change: str = ""

    @property
    def effect(self) -> float:
        """The PSI beyond what chance gives for rows that come by days, 0 or more; 0 where there is none."""
        return max((self.psi or 0.0) - (self.blocked_expected_psi or 0.0), 0.0)
