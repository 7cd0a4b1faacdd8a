"""Rules about slow answers: a quantile rose exactly when more answers than its complement are beyond the old one."""

import math

from lifecycle.evidence import Latencies, Rates, Tally
from lifecycle.judge.rates import evidence_of_harm, judge_limit
from lifecycle.judge.split import Proof
from lifecycle.judge.words import counted, once, percent, proof, rate, undecided
from lifecycle.rollout_policy import QUANTILES, Condition
from lifecycle.verdict import Finding, Verdict


def judge_latencies(rule_id: str, when: Condition, seen: Latencies, proofs: Proof) -> Finding:
    """Return the finding of one latency rule; value and limit are shares of micro-batches that are too slow."""
    if when.above is not None:
        slow = f" micro-batches took longer than {when.above:g} ms"
        return judge_limit(rule_id, seen.beyond, allowed_beyond(when), slow, proofs)
    if seen.mark_ms is None or seen.at_mark.baseline is None:
        reason = "the control group has answered too little to say what is slow"
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, None, reason)
    return _compare(rule_id, when, seen, proofs)


def allowed_beyond(when: Condition) -> float:
    """Return the share of answers that may take longer than a quantile.

    >>> round(allowed_beyond(Condition(metric="latency_p95_ms", arm="champion", above=200)), 9)
    0.05
    """
    return 1.0 - QUANTILES[when.metric]


def _compare(rule_id: str, when: Condition, seen: Latencies, proofs: Proof) -> Finding:
    """Return FAIL when proven slower at all and estimated beyond the margin, PASS when proven within it."""
    theirs = seen.at_mark.baseline
    if theirs is None or theirs.observations == 0 or seen.beyond.observations == 0:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, None, "one of the two groups has answered nothing yet")
    harm, safety = evidence_of_slower(seen.at_mark, theirs), evidence_of_harm(theirs, seen.beyond)
    value, limit = rate(seen.beyond), rate(theirs)
    percents = when.by_more_than_percent or 0.0
    mark, allowed = seen.mark_ms or 0.0, (seen.mark_ms or 0.0) * (1.0 + percents / 100.0)
    shown = (
        f"{counted(seen.beyond, f' micro-batches took longer than {allowed:.3g} ms')}, which is {percents:g}% beyond "
        f"{mark:.3g} ms, and {counted(theirs, f' of the control group longer than {mark:.3g} ms')}: a higher share "
        f"means that the {when.metric.removeprefix('latency_').removesuffix('_ms')} rose by more than {percents:g}%"
    )
    slower = f"{percent(rate(seen.at_mark.candidate))} took longer than {mark:.3g} ms"
    if harm >= -math.log(proofs.of_harm) and value > limit:
        reason = f"{shown}; {slower}, as lopsided by chance {once(harm)}, {proof(proofs.of_harm)}"
        return Finding(rule_id, Verdict.FAIL, value, limit, reason)
    if safety >= -math.log(proofs.of_safety):
        reason = f"{shown}; if it had, one would see this {once(safety)}, {proof(proofs.of_safety)}"
        return Finding(rule_id, Verdict.PASS, value, limit, reason)
    reason = f"{shown}; {undecided(harm, safety, proofs, 'slower')}"
    return Finding(rule_id, Verdict.INCONCLUSIVE, value, limit, reason)


def evidence_of_slower(at_mark: Rates, theirs: Tally) -> float:
    """Return the log e-value against "the candidate is beyond the mark no more often than its baseline"."""
    return evidence_of_harm(at_mark.candidate, theirs)
