"""Rules about how often something happens: failed answers, and decisions other than the champion's."""

import math

from lifecycle.evidence import Rates, Tally
from lifecycle.judge import coin, margin, proportion
from lifecycle.judge.split import Proof
from lifecycle.judge.words import (
    better_or_worse,
    counted,
    not_yet,
    once,
    percent,
    points,
    proof,
    rate,
    undecided,
    wrong,
)
from lifecycle.rollout_policy import Condition
from lifecycle.verdict import Finding, Verdict

HAPPENED = {"error_rate": "failed", "decision_disagreement": "were decided otherwise than the champion did"}


def judge_rates(rule_id: str, when: Condition, seen: Rates, proofs: Proof) -> Finding:
    """Return the finding of one rule over the whole or one slice; value and limit are rates or their difference."""
    if when.above is not None:
        return judge_limit(rule_id, seen.candidate, when.above, f" unit-hours {HAPPENED[when.metric]}", proofs)
    return _compare(rule_id, when, seen, proofs)


def judge_limit(rule_id: str, seen: Tally, limit: float, happened: str, proofs: Proof) -> Finding:
    """Return the finding about a rate that must not exceed a limit; `happened` says what is counted, after a blank.

    FAIL once the lower bound of the rate is above the limit, PASS once its upper bound is below.
    """
    if seen.observations == 0:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, limit, "nothing was observed yet")
    low, _ = proportion.interval(seen.events, seen.observations, proofs.of_harm)
    safe_low, high = proportion.interval(seen.events, seen.observations, proofs.of_safety)
    shown = f"{counted(seen, happened)}; at most {percent(limit)} allowed"
    if low > limit:
        reason = f"{shown}, and it certainly is at least {percent(low)} ({wrong(proofs.of_harm)})"
        return Finding(rule_id, Verdict.FAIL, rate(seen), limit, reason)
    certainty = f"it certainly is between {percent(safe_low)} and {percent(high)} ({wrong(proofs.of_safety)})"
    if high < limit:
        return Finding(rule_id, Verdict.PASS, rate(seen), limit, f"{shown}, and {certainty}")
    reason = f"{shown}; {not_yet('above', percent(low), proofs.of_harm)}; not yet proven within: {certainty}"
    return Finding(rule_id, Verdict.INCONCLUSIVE, rate(seen), limit, reason)


def _compare(rule_id: str, when: Condition, seen: Rates, proofs: Proof) -> Finding:
    ours, theirs, allowed = seen.candidate, seen.baseline, when.by_more_than or 0.0
    if theirs is None or ours.observations == 0 or theirs.observations == 0:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, allowed, _nothing(ours, theirs))
    worse_by = rate(ours) - rate(theirs)
    harm, safety = (
        evidence_of_harm(ours, theirs),
        evidence_of_safety(ours, theirs, allowed, paired=when.arm == "shadow"),
    )
    shown = (
        f"{_both(when, ours, theirs)}: "
        f"{better_or_worse(worse_by, f'{points(abs(worse_by))} points')}, at most {points(allowed)} allowed"
    )
    if harm >= -math.log(proofs.of_harm) and worse_by > allowed:
        reason = f"{shown}; as lopsided by chance {once(harm)}, {proof(proofs.of_harm)}"
        return Finding(rule_id, Verdict.FAIL, worse_by, allowed, reason)
    if safety >= -math.log(proofs.of_safety):
        reason = f"{shown}; if it were worse by more, one would see this {once(safety)}, {proof(proofs.of_safety)}"
        return Finding(rule_id, Verdict.PASS, worse_by, allowed, reason)
    reason = f"{shown}; {undecided(harm, safety, proofs)}"
    return Finding(rule_id, Verdict.INCONCLUSIVE, worse_by, allowed, reason)


def evidence_of_harm(ours: Tally, theirs: Tally) -> float:
    """Return the log e-value against "the candidate's rate is no higher than its baseline's"."""
    share = ours.observations / (ours.observations + theirs.observations)
    return float(coin.log_evidence(ours.events, theirs.events, share))


def evidence_of_safety(ours: Tally, theirs: Tally, allowed: float, *, paired: bool) -> float:
    """Return the log e-value against "the candidate's rate is higher by `allowed` or more".

    With nothing allowed, only a candidate that is better can be shown not to be worse.
    """
    if allowed <= 0:
        return evidence_of_harm(theirs, ours)
    if paired:
        return float(margin.paired_log_evidence(ours.events, theirs.events, ours.observations, allowed))
    return float(margin.log_evidence(ours.events, ours.observations, theirs.events, theirs.observations, allowed))


def _both(when: Condition, ours: Tally, theirs: Tally) -> str:
    if when.arm == "shadow":
        alone = counted(theirs, " in the champion alone")
        return f"{counted(ours, ' unit-hours failed in the shadow alone')} against {alone}"
    return f"{counted(ours, ' unit-hours failed')} against {counted(theirs, '')} of the champion's control group"


def _nothing(ours: Tally, theirs: Tally | None) -> str:
    if theirs is None:
        return "there is no baseline to compare with"
    who = "the candidate" if ours.observations == 0 else "its baseline"
    return f"nothing was observed of {who} yet"
