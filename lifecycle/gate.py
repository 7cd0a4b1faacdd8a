"""The offline gate: whether a trained version may serve, by the policy, on rows it never learned from."""

from dataclasses import dataclass

from lifecycle.evaluation import HIGHER_IS_BETTER, Evaluation, Measured, Metrics
from lifecycle.policy import GateRequirement, GateRule, Policy
from lifecycle.verdict import Finding, Verdict, worst

EVIDENCE_RULE = "minimum-validation-rows"
"""Stands before the policy's own rules: figures over too few rows prove nothing."""


@dataclass(frozen=True)
class GateOutcome:
    """Every rule's finding, the worst of their verdicts, and the reason in words."""

    findings: tuple[Finding, ...]
    verdict: Verdict
    reason: str


def decide_gate(evaluation: Evaluation, policy: Policy) -> GateOutcome:
    """Decide whether a candidate may serve: only when every rule's verdict is PASS.

    A rule that lacks its number, a rival or enough rows is INCONCLUSIVE, and so is the gate then,
    unless another rule fails. Having no champion to beat is no lack.
    """
    findings = (
        _enough_rows(evaluation.candidate.overall.rows, policy.training.minimum_validation_rows),
        *(_judge(rule, evaluation) for rule in policy.offline_gate),
    )
    verdict = worst(findings)
    if verdict is Verdict.PASS:
        return GateOutcome(findings, verdict, f"passes all {len(findings)} rules of the offline gate")
    against = [f"{finding.rule_id}: {finding.reason}" for finding in findings if finding.verdict is not Verdict.PASS]
    return GateOutcome(findings, verdict, "; ".join(against))


def _enough_rows(rows: int, minimum: int) -> Finding:
    verdict = Verdict.PASS if rows >= minimum else Verdict.INCONCLUSIVE
    return Finding(EVIDENCE_RULE, verdict, rows, minimum, f"{rows} validation rows; at least {minimum} needed")


def _judge(rule: GateRule, evaluation: Evaluation) -> Finding:
    require = rule.require
    if require.better_than == "champion" and evaluation.first_version:
        return Finding(rule.id, Verdict.PASS, None, None, "no champion stands yet, so there is none to beat")
    rival = evaluation.rivals.get(require.better_than) if require.better_than else None
    if require.better_than and rival is None:
        why = evaluation.absent.get(require.better_than, "nobody measured it")
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, f"no figures of the {require.better_than}: {why}")
    if require.in_slices_of:
        return _judge_slices(rule, evaluation.candidate, rival)
    return _judge_one(rule, "", evaluation.candidate.overall, rival.overall if rival else None)


def _judge_slices(rule: GateRule, candidate: Measured, rival: Measured | None) -> Finding:
    unknown = [name for name in rule.require.in_slices_of if name not in candidate.slices]
    if unknown:
        known = ", ".join(sorted(candidate.slices)) or "none"
        reason = f"no figures by {', '.join(unknown)}; slices measured: {known}"
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, reason)
    minimum = rule.require.minimum_rows or 0
    judged, thin = [], 0
    for name in rule.require.in_slices_of:
        for value, metrics in sorted(candidate.slices[name].items()):
            if metrics.rows < minimum:
                thin += 1
                continue
            beside = rival.slices.get(name, {}).get(value) if rival else None
            judged.append(_judge_one(rule, f"{name} {value}: ", metrics, beside))
    if not judged:
        reason = f"none of {thin} slices has {minimum} rows"
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, reason)
    return _sum_up(rule, judged, thin)


def _sum_up(rule: GateRule, judged: list[Finding], thin: int) -> Finding:
    """Return the finding of the slice that stands worst, its reason naming every slice that does not pass."""
    verdict = worst(tuple(judged))
    against = [finding for finding in judged if finding.verdict is not Verdict.PASS]
    shown = max(
        (finding for finding in judged if finding.verdict is verdict), key=lambda finding: _shortfall(rule, finding)
    )
    told = "; ".join(finding.reason for finding in against) or f"worst is {shown.reason}"
    counted = f"{len(judged) - len(against)} of {len(judged)} slices pass, {thin} too thin to judge"
    return Finding(rule.id, verdict, shown.value, shown.limit, f"{counted}; {told}")


def _shortfall(rule: GateRule, finding: Finding) -> float:
    if finding.value is None or finding.limit is None:
        return float("-inf")
    gap = finding.value - finding.limit
    return -gap if _wants_high(rule.require) else gap


def _wants_high(require: GateRequirement) -> bool:
    if require.better_than is not None:
        return require.metric in HIGHER_IS_BETTER
    return require.at_least is not None


def _judge_one(rule: GateRule, where: str, metrics: Metrics, rival: Metrics | None) -> Finding:
    require = rule.require
    value = metrics.of(require.metric)
    if value is None:
        reason = f"{where}{require.metric} is undefined over {metrics.rows} rows with {metrics.positives} positives"
        return Finding(rule.id, Verdict.INCONCLUSIVE, None, None, reason)
    if require.at_least is not None:
        limit, word, holds = require.at_least, "at least", value >= require.at_least
    elif require.at_most is not None:
        limit, word, holds = require.at_most, "at most", value <= require.at_most
    else:
        return _judge_against(rule, where, value, rival.of(require.metric) if rival else None)
    reason = f"{where}{require.metric} is {value:.4f}; {word} {limit:g} required"
    return Finding(rule.id, Verdict.PASS if holds else Verdict.FAIL, value, limit, reason)


def _judge_against(rule: GateRule, where: str, value: float, beside: float | None) -> Finding:
    """Return PASS when the candidate is better by the margin; an equal is not better."""
    require = rule.require
    rival, margin = str(require.better_than).replace("_", " "), require.by_at_least or 0.0
    if beside is None:
        reason = f"{where}{require.metric} of the {rival} is undefined, so there is nothing to compare with"
        return Finding(rule.id, Verdict.INCONCLUSIVE, value, None, reason)
    better_by = value - beside if _wants_high(require) else beside - value
    holds = better_by > 0 and better_by >= margin
    limit = beside + margin if _wants_high(require) else beside - margin
    reason = (
        f"{where}{require.metric} is {value:.4f} against the {rival}'s {beside:.4f}; "
        f"better by {better_by:.4f}, more than 0 and at least {margin:g} required"
    )
    return Finding(rule.id, Verdict.PASS if holds else Verdict.FAIL, value, limit, reason)
