"""A rule against its evidence: one finding, of the worst slice where it is asked of many."""

from lifecycle.evidence import Evidence, Latencies, Level, Means, Measured, Rates, RuleEvidence, Series
from lifecycle.judge.averages import judge_averages
from lifecycle.judge.latencies import judge_latencies
from lifecycle.judge.levels import judge_level
from lifecycle.judge.rates import HAPPENED, judge_rates
from lifecycle.judge.series import judge_series
from lifecycle.judge.split import champion_proof, trial_proof
from lifecycle.rollout_policy import QUANTILES, RolloutPolicy, RolloutRule
from lifecycle.verdict import Finding, Verdict, worst


def judge_arm(policy: RolloutPolicy, evidence: Evidence) -> tuple[Finding, ...]:
    """Return a finding for each rule of the evidence's arm, in the policy's order."""
    gathered = {rule.rule_id: rule for rule in evidence.rules}
    return tuple(judge_rule(policy, rule, gathered.get(rule.id)) for rule in policy.rules_of(evidence.arm))


def judge_rule(policy: RolloutPolicy, rule: RolloutRule, evidence: RuleEvidence | None) -> Finding:
    """Return what one rule says; a rule nobody gathered evidence for is INCONCLUSIVE.

    A sliced rule fails when any of its slices does, and passes when every judged one passes. Slices beyond
    `slices_at_most`, in the order in which they were seen, are not judged: the split of the error probability has no
    place for them, and the reason counts them.
    """
    if evidence is None:
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, "no evidence was gathered for this rule")
    sliced = bool(rule.when.in_slices_of)
    asked = [part for part in evidence.slices if bool(part.where) == sliced]
    if not asked:
        what = f"no {' or '.join(rule.when.in_slices_of)} was seen yet" if sliced else "nothing was gathered yet"
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, what)
    if not sliced:
        return _judge_one(policy, rule, asked[0].measured)
    judged = asked[: rule.when.slices_at_most]
    findings = [(part.where, _judge_one(policy, rule, part.measured)) for part in judged]
    return _sum_up(rule, findings, len(asked) - len(judged))


def _sum_up(rule: RolloutRule, findings: list[tuple[str, Finding]], beyond: int) -> Finding:
    verdict = worst(tuple(finding for _, finding in findings))
    where, shown = max((pair for pair in findings if pair[1].verdict is verdict), key=lambda pair: _excess(pair[1]))
    passing = sum(finding.verdict is Verdict.PASS for _, finding in findings)
    undecided = sum(finding.verdict is Verdict.INCONCLUSIVE for _, finding in findings)
    left_out = f", {beyond} beyond slices_at_most {rule.when.slices_at_most} not judged" if beyond else ""
    counts = f"{passing} of {len(findings)} slices pass, {undecided} undecided{left_out}"
    return Finding(rule.id, verdict, shown.value, shown.limit, f"{where}: {shown.reason} ({counts})")


def _excess(finding: Finding) -> float:
    if finding.value is None or finding.limit is None:
        return float("-inf")
    return finding.value - finding.limit


def _judge_one(policy: RolloutPolicy, rule: RolloutRule, seen: Measured) -> Finding:
    when = rule.when
    proofs = champion_proof(policy) if when.arm == "champion" else trial_proof(policy)
    if isinstance(seen, Series) and when.above is not None and (when.metric in HAPPENED or when.metric in QUANTILES):
        return judge_series(rule.id, when, seen, policy)
    if isinstance(seen, Rates) and when.metric in HAPPENED:
        return judge_rates(rule.id, when, seen, proofs)
    if isinstance(seen, Latencies) and when.metric in QUANTILES:
        return judge_latencies(rule.id, when, seen, proofs)
    if isinstance(seen, Level) and when.metric == "memory_mb":
        return judge_level(rule.id, when, seen)
    if isinstance(seen, Means) and when.metric not in HAPPENED and when.metric not in QUANTILES:
        return judge_averages(rule.id, when, seen, proofs)
    reason = f"the evidence holds {seen.kind}, from which {when.metric} cannot be read; gather it anew"
    return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, reason)
