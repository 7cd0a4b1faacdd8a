"""What has moved: certain over all tests of a look, and large enough to matter."""

from collections.abc import Iterator, Mapping, Sequence

from lifecycle.alarms import AlarmKind
from lifecycle.drift.comparison import Certainty, Comparison, What
from lifecycle.drift.holm import holm
from lifecycle.drift.move import Move
from lifecycle.drift.reasons import drift_reason, missing_reason, unseen_reason
from lifecycle.watching_policy import DriftPolicy

KINDS: Mapping[What, AlarmKind] = {
    "feature": AlarmKind.DRIFT,
    "category": AlarmKind.DRIFT,
    "score": AlarmKind.SCORES,
    "label": AlarmKind.LABELS,
}


def decide_drift(comparisons: Sequence[Comparison], policy: DriftPolicy) -> tuple[Move, ...]:
    """Return what has moved, in the order of the columns; nothing of a column with less than `minimum_rows` rows.

    A move is certain: over all tests of the look together, the chance to find anything while nothing moved is at most
    `false_alarm_rate` (Holm), by the p-values that allow for rows that come by days. And it matters: PSI beyond chance
    reaches `minimum_effect`, or the share of missing rows changed by `minimum_missing`. New values matter when they are
    certain. What could not turn out certain, such as a column that neither side ever misses, is no test (Tarone, A
    modified Bonferroni method for discrete data, 1990). See `inconclusive` for the columns that were passed over.
    """
    judged = [one for one in comparisons if one.rows >= policy.minimum_rows]
    tests = [(one, kind, found) for one in judged for kind, found in _tests(one)]
    sure = holm([found.blocked_p_value for _, _, found in tests])
    return tuple(
        move
        for (one, kind, _), certainty in zip(tests, sure, strict=True)
        if certainty <= policy.false_alarm_rate
        for move in _moves(one, kind, certainty, policy)
    )


def inconclusive(comparisons: Sequence[Comparison], policy: DriftPolicy) -> tuple[str, ...]:
    """Return the columns with less rows than the policy judges by: whether they moved is not known."""
    return tuple(one.column for one in comparisons if one.rows < policy.minimum_rows)


def _tests(one: Comparison) -> Iterator[tuple[AlarmKind, Certainty]]:
    if one.moved is not None:
        yield KINDS[one.what], one.moved
    if one.missing_moved is not None:
        yield AlarmKind.MISSING, one.missing_moved
    if one.unseen_moved is not None:
        yield AlarmKind.UNSEEN, one.unseen_moved


def _moves(one: Comparison, kind: AlarmKind, certainty: float, policy: DriftPolicy) -> Iterator[Move]:
    """Return the move of a test that is certain, when it matters."""
    rate = policy.false_alarm_rate
    if kind is AlarmKind.MISSING:
        change, limit = abs(one.missing - one.baseline_missing), policy.minimum_missing
        if change >= limit:
            yield Move(one.column, kind, change, limit, certainty, missing_reason(one, limit, certainty, rate))
    elif kind is AlarmKind.UNSEEN:
        share, expected = one.unseen or 0.0, one.baseline_unseen or 0.0
        yield Move(one.column, kind, share, expected, certainty, unseen_reason(one, certainty, rate))
    elif one.effect >= policy.minimum_effect:
        limit = policy.minimum_effect
        yield Move(one.column, kind, one.effect, limit, certainty, drift_reason(one, limit, certainty, rate))
