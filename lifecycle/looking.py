"""What a look comes to: the verdict, what is a concern, and whether anybody must be called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from lifecycle.alarms import AlarmKind, Concern, Matter
from lifecycle.verdict import Finding, Verdict, worst
from lifecycle.watching_policy import DriftPolicy, Follows

SIGNS_OF_HARM = frozenset({AlarmKind.SCORES, AlarmKind.LABELS, AlarmKind.QUALITY, AlarmKind.ESTIMATE})
"""What makes the move of a feature more than a move of a feature alone."""
Part = Literal["drift", "quality", "estimate", "freshness", "intake", "outputs"]
KINDS: Mapping[Part, frozenset[AlarmKind]] = {
    "drift": frozenset(
        {AlarmKind.DRIFT, AlarmKind.MISSING, AlarmKind.UNSEEN, AlarmKind.SCORES, AlarmKind.LABELS},
    ),
    "quality": frozenset({AlarmKind.QUALITY}),
    "estimate": frozenset({AlarmKind.ESTIMATE}),
    "freshness": frozenset({AlarmKind.STALE}),
    "intake": frozenset({AlarmKind.INTAKE}),
    "outputs": frozenset({AlarmKind.OUTPUTS}),
}
"""Which alarms each part of a look can open, and close again."""


@dataclass(frozen=True)
class Seen:
    """What one part of a look found: a finding for each thing that was judged, and those of them that are concerns."""

    part: Part
    findings: tuple[Finding, ...]
    concerns: tuple[Concern, ...] = ()
    whole: bool = True
    """Whether it saw enough to close an alarm, too; what is wrong can be plain from a part."""
    passed_over: frozenset[Matter] = frozenset()
    """What it could not judge and has no finding for."""

    @property
    def judged(self) -> frozenset[AlarmKind]:
        """The kinds of alarm that this part may close: none when it could judge nothing, or not the whole."""
        conclusive = any(finding.verdict in (Verdict.PASS, Verdict.FAIL) for finding in self.findings)
        return KINDS[self.part] if conclusive and self.whole else frozenset()

    @property
    def undecided(self) -> frozenset[Matter]:
        """What it could not judge, so that an alarm of it neither opens nor closes."""
        unsure = (one for one in self.findings if one.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR))
        subjects = {one.rule_id.partition(":")[2] or one.rule_id for one in unsure}
        return self.passed_over | {(kind, subject) for kind in KINDS[self.part] for subject in subjects}


@dataclass(frozen=True)
class LookOutcome:
    """What follows from a look: `judged` are the kinds of alarm that it may close, but for what is `undecided`."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    concerns: tuple[Concern, ...]
    judged: frozenset[AlarmKind]
    undecided: frozenset[Matter]


def decide_look(seen: Sequence[Seen], policy: DriftPolicy) -> LookOutcome:
    """Return what follows from everything that a look saw; the worst finding is its verdict.

    What follows from the move of a feature depends on whether anything that users would notice has moved as well.
    """
    findings = tuple(finding for part in seen for finding in part.findings)
    concerns = tuple(concern for part in seen for concern in part.concerns)
    harmed = any(concern.kind in SIGNS_OF_HARM for concern in concerns)
    weighed = tuple(
        replace(concern, then=policy.then if harmed else policy.features_alone)
        if concern.kind is AlarmKind.DRIFT
        else concern
        for concern in concerns
    )
    judged = frozenset(kind for part in seen for kind in part.judged)
    undecided = frozenset(matter for part in seen for matter in part.undecided)
    return LookOutcome(worst(findings), _reason(findings, weighed), findings, weighed, judged, undecided)


def concern_of(finding: Finding, kind: AlarmKind, subject: str, then: Follows, onset_at: datetime) -> Concern:
    """Return a failed finding as a concern."""
    return Concern(kind, subject, then, finding.value, finding.limit, finding.reason, onset_at)


def parts_without_word(seen: Sequence[Seen]) -> tuple[Part, ...]:
    """Return the parts that said nothing at all in a look, so that a person can see what nobody watches."""
    spoke = {part.part for part in seen if part.findings}
    return tuple(part for part in get_args(Part) if part not in spoke)


def _reason(findings: Sequence[Finding], concerns: Sequence[Concern]) -> str:
    if concerns:
        called = [concern.reason for concern in concerns if concern.then != "note"]
        noted = [concern.subject for concern in concerns if concern.then == "note"]
        said = "; ".join(called)
        also = f"noted, without a sign of harm: {', '.join(noted)}" if noted else ""
        return "; ".join(part for part in (said, also) if part)
    unsure = [finding.reason for finding in findings if finding.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)]
    passed = sum(finding.verdict is Verdict.PASS for finding in findings)
    if not passed:
        return unsure[0] if unsure else "nothing could be looked at"
    told = f"{passed} checks pass"
    return told + (f"; {len(unsure)} are not judged yet, the first because {unsure[0]}" if unsure else "")
