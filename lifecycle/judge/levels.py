"""Rules about a level that is read off: memory."""

from lifecycle.evidence import Level
from lifecycle.rollout_policy import Condition
from lifecycle.verdict import Finding, Verdict


def judge_level(rule_id: str, when: Condition, seen: Level) -> Finding:
    """Return FAIL above the limit, PASS at or below it, INCONCLUSIVE while nobody has read the level."""
    limit = when.above or 0.0
    if seen.value is None:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, limit, "nobody has read it off yet")
    verdict = Verdict.FAIL if seen.value > limit else Verdict.PASS
    reason = f"the highest memory was {seen.value:,.0f} MB; at most {limit:,.0f} MB allowed"
    return Finding(rule_id, verdict, seen.value, limit, reason)
