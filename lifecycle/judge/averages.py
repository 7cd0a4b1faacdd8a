"""Rules about means: log loss, Brier score, cost per row, and how far scores stand from the champion's."""

from math import isfinite

from lifecycle.evidence import Means
from lifecycle.judge.means import MINIMUM_CLUSTERS, Estimate, estimate, radius
from lifecycle.judge.split import Proof
from lifecycle.judge.words import better_or_worse, not_yet, wrong
from lifecycle.rollout_policy import Condition
from lifecycle.verdict import Finding, Verdict


def judge_averages(rule_id: str, when: Condition, seen: Means, proofs: Proof) -> Finding:
    """Return the finding of one rule; value and limit are a mean, or a difference of means, in the metric's unit.

    FAIL when a comparison is proven worse at all and estimated beyond the margin, or when a mean is proven above its
    limit. PASS when the margin, or the limit, is proven not to be reached.
    """
    compared = when.above is None
    limit = (when.by_more_than or 0.0) if when.above is None else when.above
    found = estimate(seen)
    if found is None or (compared and found.baseline is None):
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, limit, f"no {_name(when)} is known yet of both or one arm")
    low = found.value - float(radius(found.standard_error, found.clusters, proofs.of_harm))
    width = float(radius(found.standard_error, found.clusters, proofs.of_safety))
    shown = _shown(when, found, seen, limit)
    if low > (0.0 if compared else limit) and found.value > limit:
        sure = f"certainly {'worse by' if compared else ''} at least {low:.4f}".replace("  ", " ")
        return Finding(rule_id, Verdict.FAIL, found.value, limit, f"{shown}; {sure} ({wrong(proofs.of_harm)})")
    if width == float("inf"):
        reason = f"{shown}; too few hours for any certainty, which takes {MINIMUM_CLUSTERS} at least"
        return Finding(rule_id, Verdict.INCONCLUSIVE, found.value, limit, reason)
    sure = f"certainly between {found.value - width:.4f} and {found.value + width:.4f} ({wrong(proofs.of_safety)})"
    if found.value + width < limit:
        return Finding(rule_id, Verdict.PASS, found.value, limit, f"{shown}; {sure}")
    reason = f"{shown}; {_unproven(low, proofs, compared=compared)}; not yet proven within what is allowed: {sure}"
    return Finding(rule_id, Verdict.INCONCLUSIVE, found.value, limit, reason)


def _unproven(low: float, proofs: Proof, *, compared: bool) -> str:
    if compared and low > 0.0:
        return f"worse by at least {low:.4f} ({wrong(proofs.of_harm)}), but by estimate within what is allowed"
    return not_yet("worse" if compared else "above", f"{low:.4f}" if isfinite(low) else None, proofs.of_harm)


def _shown(when: Condition, found: Estimate, seen: Means, limit: float) -> str:
    counts = f"over {seen.totals[1]:,.0f} rows in {found.clusters:,} hours"
    if found.baseline is None or when.above is not None:
        return f"{_name(when)} is {found.candidate:.4f} {counts}, at most {limit:g} allowed"
    worse = better_or_worse(found.value, f"{abs(found.value):.4f}")
    return (
        f"{_name(when)} is {found.candidate:.4f} {counts} against the champion's {found.baseline:.4f}: {worse}, "
        f"at most {limit:g} allowed"
    )


def _name(when: Condition) -> str:
    return when.metric.replace("_", " ")
