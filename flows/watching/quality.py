"""What the newest measurement says about quality: by outcomes, and before them by the scores alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lifecycle.alarms import AlarmKind
from lifecycle.evaluation import Metrics
from lifecycle.judging_quality import decide_estimate, decide_quality
from lifecycle.looking import Part, Seen, concern_of
from lifecycle.quality import Quality
from lifecycle.verdict import Finding, Verdict
from lifecycle.watching_policy import Follows, QualityPolicy


def see_quality(policy: QualityPolicy, measured: Sequence[Quality], baseline: Metrics | None) -> tuple[Seen, Seen]:
    """Return the word on quality and the word on its estimate; `measured` are a version's, newest first."""
    if not measured:
        nothing = Finding("quality", Verdict.INCONCLUSIVE, None, None, "nothing of this version was measured yet")
        return Seen("quality", (nothing,)), Seen("estimate", ())
    newest = measured[0]
    follows = {rule.id: rule.then for rule in policy.rules}
    found = decide_quality(policy, newest, baseline)
    estimated = decide_estimate(policy, newest, baseline)
    # An estimate is no proof, so it calls a person and trains nothing by itself.
    return (
        _seen("quality", AlarmKind.QUALITY, found, follows, newest.since_at),
        _seen("estimate", AlarmKind.ESTIMATE, estimated, dict.fromkeys(follows, "alarm"), newest.since_at),
    )


def _seen(
    part: Part, kind: AlarmKind, findings: Sequence[Finding], follows: Mapping[str, Follows], onset_at: datetime
) -> Seen:
    failed = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    concerns = tuple(
        concern_of(finding, kind, finding.rule_id, follows.get(finding.rule_id, "alarm"), onset_at)
        for finding in failed
    )
    return Seen(part, tuple(findings), concerns)
