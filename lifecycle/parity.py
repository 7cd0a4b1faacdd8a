"""Parity: whether requests were served the features that stored events say, and which they were not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from scipy import stats

from lifecycle.alarms import AlarmKind, Concern
from lifecycle.verdict import Finding, Verdict
from lifecycle.watching_policy import ParityPolicy

RULE = "parity"
FALSE_ALARM_RATE = 0.01
"""The chance that a feature of which just the tolerated share differs fails in one check."""
ENOUGH_OF_SAMPLE = 0.25
"""A check of fewer rows than this share of the sample asked for says nothing in anybody's favour."""


@dataclass(frozen=True)
class Example:
    """One served request in which a feature differs; `default` says which of the two values is a stand-in."""

    prediction_id: str
    served: float
    recomputed: float
    served_default: bool
    recomputed_default: bool


@dataclass(frozen=True)
class FeatureParity:
    """One feature over the sample; `view` is None for a derived one.

    Of `rows`, `differing` were served another value; `late` of these because what was served had outlived its
    freshness limit, or was not there at all, while a newer row stood stored. `largest` is the largest difference as a
    share of the larger value. `first_at` is the earliest moment of a differing row.
    """

    feature: str
    view: str | None
    rows: int
    differing: int = 0
    late: int = 0
    largest: float = 0.0
    example: Example | None = None
    first_at: datetime | None = None


@dataclass(frozen=True)
class ViewLag:
    """How long newer rows of a view had stood stored when older ones were served, over the sample.

    `behind` rows were served an older one, or none; the hours are over all rows whose entity has any, 0 for those
    that were served the newest, and None without any. For `ahead` the one that was found is stamped after the
    prediction moment, as happens to who asks late, and counts as missing. Of `late` rows the one in use had outlived
    the freshness limit, or was not there.
    """

    view: str
    limit_hours: float
    rows: int
    behind: int
    ahead: int
    late: int
    median_hours: float | None
    p95_hours: float | None
    largest_hours: float | None


@dataclass(frozen=True)
class Compared:
    """A sample of served requests held against stored events; `as_trained` rows equal training's own to the bit."""

    rows: int
    as_trained: int
    features: tuple[FeatureParity, ...]
    views: tuple[ViewLag, ...]


def decide_parity(policy: ParityPolicy, compared: Compared) -> tuple[Finding, ...]:
    """Return a finding for each feature that differs anywhere, one for each view's lag, and one for the whole.

    A feature fails when the rows that differ are more than the tolerated share explains by chance, by the exact
    binomial test; then each finding names it and an example. With few rows the whole is INCONCLUSIVE, never PASS.
    """
    by_feature = tuple(_feature(policy, one) for one in compared.features if one.differing)
    lags = tuple(_lag(policy, one) for one in compared.views)
    return (_whole(policy, compared, (*by_feature, *lags)), *by_feature, *lags)


def parity_concerns(compared: Compared, findings: tuple[Finding, ...]) -> tuple[Concern, ...]:
    """Return the features that fail as concerns, each since the earliest sampled request in which it differs."""
    failed = {finding.rule_id: finding for finding in findings if finding.verdict is Verdict.FAIL}
    return tuple(_concerns(compared, failed))


def _concerns(compared: Compared, failed: dict[str, Finding]) -> Iterator[Concern]:
    for one in compared.features:
        finding = failed.get(f"{RULE}:{one.feature}")
        if finding is not None and one.first_at is not None:
            yield Concern(
                AlarmKind.PARITY, one.feature, "alarm", finding.value, finding.limit, finding.reason, one.first_at
            )


def _whole(policy: ParityPolicy, compared: Compared, findings: tuple[Finding, ...]) -> Finding:
    needed = max(1.0, ENOUGH_OF_SAMPLE * policy.sample_rows)
    rows = float(compared.rows)
    failed = [finding.rule_id.partition(":")[2] for finding in findings if finding.verdict is Verdict.FAIL]
    if failed:
        told = f"not served as stored events say, of {compared.rows} answers: {', '.join(failed)}"
        return Finding(RULE, Verdict.FAIL, rows, needed, told)
    if rows < needed:
        told = f"{compared.rows} answers could be recomputed; {needed:g} are needed, so the next check takes them too"
        return Finding(RULE, Verdict.INCONCLUSIVE, rows, needed, told)
    told = (
        f"{compared.rows} answers were served what stored events say; {compared.as_trained} of them exactly what "
        "training would have seen, the others from rows that were pushed before the newest"
    )
    return Finding(RULE, Verdict.PASS, rows, needed, told)


def _feature(policy: ParityPolicy, one: FeatureParity) -> Finding:
    share = one.differing / one.rows
    told = (
        f"{one.feature} was served otherwise than stored events say in {one.differing} of {one.rows} answers "
        f"({share:.1%}; {policy.share_tolerated:.1%} are tolerated), by up to {one.largest:.2g} of its value"
    )
    if one.late:
        told += f"; {one.late} of them had no row of {one.view or 'its views'} within the limit while one stood stored"
    if one.example is not None:
        told += f"; {_told(one.example)}"
    verdict = Verdict.FAIL if _proven(one.differing, one.rows, policy) else Verdict.PASS
    return Finding(f"{RULE}:{one.feature}", verdict, share, policy.share_tolerated, told)


def _lag(policy: ParityPolicy, one: ViewLag) -> Finding:
    told = f"no entity asked for has a row of {one.view}"
    if one.largest_hours is not None:
        told = (
            f"{one.behind} of {one.rows} answers were served an older row of {one.view} than the newest stored, which "
            f"had stood there for up to {one.largest_hours:.3g} h (half of all {one.median_hours:.3g} h, 95% at most "
            f"{one.p95_hours:.3g} h; {one.limit_hours:g} h are allowed)"
        )
    if one.ahead:
        told += f"; {one.ahead} of {one.rows} asked late, found one of after their moment, and were served the defaults"
    if one.late:
        told += f"; {one.late} of {one.rows} had none within the limit while a newer one stood stored"
    verdict = Verdict.FAIL if _proven(one.late, one.rows, policy) else Verdict.PASS
    return Finding(f"lag:{one.view}", verdict, one.p95_hours, one.limit_hours, told)


def _proven(differing: int, rows: int, policy: ParityPolicy) -> bool:
    """Say whether the tolerated share alone would rarely leave so many."""
    return differing > 0 and float(stats.binom.sf(differing - 1, rows, policy.share_tolerated)) < FALSE_ALARM_RATE


def _told(example: Example) -> str:
    served = f"{'the default ' if example.served_default else ''}{example.served:.6g}"
    recomputed = f"{'the default ' if example.recomputed_default else ''}{example.recomputed:.6g}"
    return f"prediction {example.prediction_id} was served {served} instead of {recomputed}"
