"""Verdicts, findings and decisions: what was judged, by which rule, from which numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a rule says about its evidence; missing or thin evidence is never PASS."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


SEVERITY = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL)
"""Worst last: FAIL outranks ERROR because it is evidence of harm, not the lack of evidence."""


@dataclass(frozen=True)
class Finding:
    """One rule's verdict with the number it saw, the limit it held it against, and why."""

    rule_id: str
    verdict: Verdict
    value: float | None
    limit: float | None
    reason: str


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """Return the worst verdict among the findings; no finding at all is INCONCLUSIVE.

    >>> worst(())
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    if not findings:
        return Verdict.INCONCLUSIVE
    return max((finding.verdict for finding in findings), key=SEVERITY.index)


@dataclass(frozen=True)
class Decision:
    """A stored choice: enough to read why it was made and to make it again."""

    decision_id: str
    model: str
    version: str
    action: str
    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    policy_revision: str
    plan_revision: int
    actor: str
    decided_at: datetime
    evidence: Mapping[str, object] = field(default_factory=dict)
