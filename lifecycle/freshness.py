"""Freshness: how old the features were that requests were served, and which views are older than they may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

from lifecycle.verdict import Finding, Verdict

RULE = "stale"
SHARE_ALLOWED = 0.5
"""Some entities rest for longer than any limit, as planes in a hangar do: 6.5% of the flights' in June. That says
nothing about the view; where it is more than usual, features are missing more often, and a look compares that."""
FALSE_ALARM_RATE = 0.01
FEWEST_ROWS = 20


@dataclass(frozen=True)
class ViewFreshness:
    """Ages of one view's rows at the prediction moments, in hours; None where no request found a row.

    `missing` is the share of all rows whose entity had none, `beyond_limit` the share of the others older than
    `limit_hours`.
    """

    limit_hours: float
    rows: int
    median_hours: float | None
    p95_hours: float | None
    newest_hours: float | None
    missing: float
    beyond_limit: float


@dataclass(frozen=True)
class Freshness:
    """Of so many served rows, each view's ages, and the share in which a default stood in for each feature."""

    rows: int
    views: Mapping[str, ViewFreshness]
    defaulted: Mapping[str, float]


def decide_freshness(freshness: Freshness) -> tuple[Finding, ...]:
    """Return a finding for each view, by the rule id "stale:<view>"; its value is the share beyond the limit.

    FAIL when more rows had outlived the freshness limit than SHARE_ALLOWED explains by chance, by the exact binomial
    test; INCONCLUSIVE where too few found a row at all.

    >>> view = ViewFreshness(6, 100, 7.0, 9.0, 6.5, missing=0.0, beyond_limit=1.0)
    >>> decide_freshness(Freshness(100, {"weather": view}, {}))[0].verdict
    <Verdict.FAIL: 'fail'>
    """
    return tuple(_judge(name, view) for name, view in freshness.views.items())


def _judge(name: str, view: ViewFreshness) -> Finding:
    rule = f"{RULE}:{name}"
    found = round(view.rows * (1 - view.missing))
    if found < FEWEST_ROWS or view.median_hours is None:
        told = f"{found} of {view.rows} answers found a row of {name}; {FEWEST_ROWS} are needed to call it stale"
        return Finding(rule, Verdict.INCONCLUSIVE, None, SHARE_ALLOWED, told)
    beyond = round(found * view.beyond_limit)
    told = (
        f"{view.beyond_limit:.1%} of {found} answers were served rows of {name} older than {view.limit_hours:g} h "
        f"({SHARE_ALLOWED:.0%} may be); half of them were older than {view.median_hours:.3g} h"
    )
    stale = beyond > 0 and float(stats.binom.sf(beyond - 1, found, SHARE_ALLOWED)) < FALSE_ALARM_RATE
    return Finding(rule, Verdict.FAIL if stale else Verdict.PASS, view.beyond_limit, SHARE_ALLOWED, told)
