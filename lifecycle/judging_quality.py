"""Whether measured or estimated quality harms: each written rule against its interval."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lifecycle.evaluation import Metrics
from lifecycle.quality import MORE_IS_BETTER, Figure, FigureName, Figures, Quality
from lifecycle.verdict import SEVERITY, Finding, Verdict
from lifecycle.watching_policy import QualityCondition, QualityPolicy, QualityRule

NO_DETAIL = "it was measured before intervals were kept; measure it again"
SHOWN_SLICES = 5
"""So many slices with too few labels are named; of more, their number is said."""


@dataclass(frozen=True)
class _Seen:
    """One place a rule looks at: all rows, or a slice's; `what` are the rows it rests on."""

    where: str
    figure: Figure | None
    rows: int
    what: str


def decide_quality(policy: QualityPolicy, measured: Quality, baseline: Metrics | None) -> tuple[Finding, ...]:
    """Return what each rule says about measured quality.

    FAIL when the whole interval lies beyond the limit, PASS when the whole of it does not, INCONCLUSIVE between, with
    fewer than `minimum_labels` labels, where the metric is undefined, or without the baseline a rule compares with. Of
    a rule in slices the worst is told: one that fails, else one that proves nothing, among which are slices with
    too few labels. The baseline counts as exact.
    """
    return tuple(_judge(rule, policy, measured, baseline) for rule in policy.rules)


def decide_estimate(policy: QualityPolicy, measured: Quality, baseline: Metrics | None) -> tuple[Finding, ...]:
    """Return what the rules say about quality estimated without outcomes: those an estimate has a figure for.

    None without an estimate. As `decide_quality`, with answers in place of labels; scores that were not checked against
    outcomes prove nothing.
    """
    if measured.detail is None or measured.detail.estimate is None:
        return ()
    estimate = measured.detail.estimate
    figures = estimate.figures
    findings = []
    for rule in policy.rules:
        figure = figures.of(rule.when.metric)
        if rule.when.in_slices_of or figure is None:
            continue
        found = _judge_one(
            rule, policy, _Seen("", figure, figures.rows, "answers"), baseline, confidence=measured.detail.level
        )
        told = "estimated from scores, without outcomes: " + found.reason
        verdict = found.verdict
        if not estimate.calibrated_on and verdict is not Verdict.INCONCLUSIVE:
            verdict = Verdict.INCONCLUSIVE
        if not estimate.calibrated_on:
            told += "; there are too few earlier outcomes to know what scores mean, so they were taken at their word"
        findings.append(Finding(rule.id, verdict, found.value, found.limit, told))
    return tuple(findings)


def asks(policy: QualityPolicy, slices: Mapping[str, int]) -> int:
    """Return how many intervals the rules ask for; `slices` is how many values of each slice have enough labels.

    >>> rule = dict(id="r", then="alarm", because="-", when=dict(metric="auc", below=0.5, in_slices_of=["site"]))
    >>> policy = QualityPolicy(window_days=7, confidence=0.9, minimum_labels=9, rules=[rule])
    >>> asks(policy, {"site": 3}), asks(policy, {})
    (3, 1)
    """
    wanted = 0
    for rule in policy.rules:
        names = rule.when.in_slices_of
        wanted += sum(slices.get(name, 0) for name in names) if names else 1
    return max(wanted, 1)


def _judge(rule: QualityRule, policy: QualityPolicy, measured: Quality, baseline: Metrics | None) -> Finding:
    detail = measured.detail
    if detail is None:
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, NO_DETAIL)
    if not rule.when.in_slices_of:
        seen = _Seen("", detail.overall.of(rule.when.metric), detail.overall.rows, "labels")
        return _judge_one(rule, policy, seen, baseline, confidence=detail.level)
    places = list(_places(rule.when, detail.slices))
    found = [_judge_one(rule, policy, seen, baseline, confidence=detail.level) for seen in places]
    thin = [f"{name}={value}" for name in rule.when.in_slices_of for value in detail.thin.get(name, {})]
    few = _too_few(thin, policy)
    if not found:
        because = few or "no answer with a label is in such a slice"
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, f"nothing is proven in any slice: {because}")
    worst = _worst(found, rule.when.metric)
    if few is None or worst.verdict is Verdict.FAIL:
        return worst
    return Finding(rule.id, Verdict.INCONCLUSIVE, worst.value, worst.limit, f"{worst.reason}; {few}")


def _places(when: QualityCondition, slices: Mapping[str, Mapping[str, Figures]]) -> Iterator[_Seen]:
    for name in when.in_slices_of:
        for value, figures in slices.get(name, {}).items():
            yield _Seen(f" in {name}={value}", figures.of(when.metric), figures.rows, "labels")


def _too_few(thin: Sequence[str], policy: QualityPolicy) -> str | None:
    if not thin:
        return None
    named = ", ".join(thin[:SHOWN_SLICES]) + (f" and {len(thin) - SHOWN_SLICES} more" if thin[SHOWN_SLICES:] else "")
    return f"{named} {'has' if len(thin) == 1 else 'have'} fewer than {policy.minimum_labels:,} labels"


def _worst(found: Sequence[Finding], metric: FigureName) -> Finding:
    sign = -1.0 if metric in MORE_IS_BETTER else 1.0

    def badness(finding: Finding) -> tuple[int, float]:
        return SEVERITY.index(finding.verdict), float("-inf") if finding.value is None else sign * finding.value

    return max(found, key=badness)


def _judge_one(
    rule: QualityRule, policy: QualityPolicy, seen: _Seen, baseline: Metrics | None, *, confidence: float
) -> Finding:
    limit, told_limit = _limit(rule.when, baseline)
    verdict, reason = _against(limit, told_limit, rule.when.metric, policy, seen, confidence=confidence)
    return Finding(rule.id, verdict, None if seen.figure is None else seen.figure.value, limit, reason)


def _against(
    limit: float | None, told_limit: str, metric: FigureName, policy: QualityPolicy, seen: _Seen, *, confidence: float
) -> tuple[Verdict, str]:
    rows, figure = f"{seen.rows:,} {seen.what}{seen.where}", seen.figure
    if seen.rows < policy.minimum_labels:
        return Verdict.INCONCLUSIVE, f"{rows}; {policy.minimum_labels:,} are needed"
    if figure is None:
        return Verdict.INCONCLUSIVE, f"{metric} is undefined for these {rows}"
    told = f"{metric} is {figure.value:.4g} over {rows}"
    if limit is None or figure.low is None or figure.high is None:
        unsure = "" if limit is None else "; too little was seen to say how sure that is"
        return Verdict.INCONCLUSIVE, f"{told}{unsure}; {told_limit}"
    sure = f"between {figure.low:.4g} and {figure.high:.4g} with {100 * confidence:.4g}% certainty"
    best, worst = (figure.high, figure.low) if metric in MORE_IS_BETTER else (-figure.low, -figure.high)
    signed, side = (limit, "below") if metric in MORE_IS_BETTER else (-limit, "above")
    if best < signed:
        return Verdict.FAIL, f"{told}, {sure}; {told_limit}: proven {side} it"
    if worst >= signed:
        return Verdict.PASS, f"{told}, {sure}; {told_limit}: proven not {side} it"
    return Verdict.INCONCLUSIVE, f"{told}, {sure}; {told_limit}: not proven either way"


def _limit(when: QualityCondition, baseline: Metrics | None) -> tuple[float | None, str]:
    """Return the limit a metric is held against, and how it came to be."""
    for fixed in (when.above, when.below):
        if fixed is not None:
            return fixed, f"the limit is {fixed:g}"
    stood: float | None = None if baseline is None else getattr(baseline, when.metric, None)
    if stood is None:
        return None, f"no {when.metric} is kept of the version's acceptance to compare with"
    margin = when.by_more_than or 0.0
    limit = stood - margin if when.metric in MORE_IS_BETTER else stood + margin
    return limit, f"the limit is {limit:.4g}, {margin:g} worse than the {stood:.4g} of its acceptance"
