"""Rules about the version that serves: whether a rate has begun to exceed its limit."""

from lifecycle.evidence import Series, Tally
from lifecycle.judge import proportion
from lifecycle.judge.change import detect, log_threshold
from lifecycle.judge.latencies import allowed_beyond
from lifecycle.judge.split import detectors
from lifecycle.judge.words import counted, percent, rate, wrong
from lifecycle.rollout_policy import QUANTILES, Condition, RolloutPolicy
from lifecycle.verdict import Finding, Verdict


def judge_series(rule_id: str, when: Condition, seen: Series, policy: RolloutPolicy) -> Finding:
    """Return FAIL when the rate is proven to have risen above its limit, PASS when it is proven to be within.

    Value is the rate since the most likely moment of change, limit the rate that is allowed.
    """
    latency = when.metric in QUANTILES
    limit = allowed_beyond(when) if latency else when.above or 0.0
    total = Tally(
        events=sum(tally.events for tally in seen.tallies),
        observations=sum(tally.observations for tally in seen.tallies),
    )
    if total.observations == 0:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, limit, "nothing was observed in the window")
    happened = f" micro-batches took longer than {when.above:g} ms" if latency else " unit-hours failed"
    change, every_days = detect(seen, limit), policy.champion.false_alarm_every_days
    if change.log_evidence >= log_threshold(every_days, seen.span_seconds, detectors(policy)):
        reason = (
            f"{counted(change.stretch, happened)} in the last {change.spans * seen.span_seconds / 60:,.3g} minutes; at "
            f"most {percent(limit)} allowed; by chance, all rules together raise this alarm once in {every_days:g} days"
        )
        return Finding(rule_id, Verdict.FAIL, rate(change.stretch), limit, reason)
    _, high = proportion.interval(total.events, total.observations, policy.error_probability)
    verdict = Verdict.PASS if high < limit else Verdict.INCONCLUSIVE
    reason = (
        f"{counted(total, happened)} in the window, at most {percent(limit)} allowed; no lasting rise is proven, which "
        f"takes what all rules together show by chance once in {every_days:g} days; it certainly is at most "
        f"{percent(high)} ({wrong(policy.error_probability)})"
    )
    return Finding(rule_id, verdict, rate(total), limit, reason)
