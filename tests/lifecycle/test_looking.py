"""What a look comes to."""

from datetime import UTC, datetime

import pytest

from lifecycle.alarms import AlarmKind, Concern, settle
from lifecycle.looking import KINDS, Seen, concern_of, decide_look, parts_without_word
from lifecycle.verdict import Finding, Verdict
from tests.policies import WATCHING

T0 = datetime(2013, 7, 1, tzinfo=UTC)
DRIFT = WATCHING.drift.model_copy(update={"features_alone": "note", "then": "retrain"})


def finding(rule: str, verdict: Verdict = Verdict.FAIL) -> Finding:
    """Return a finding that says its rule."""
    return Finding(rule, verdict, 0.4, 0.1, f"{rule} is {verdict}")


def seen(part: str, kind: AlarmKind, subject: str) -> Seen:
    """Return a part of a look that found one concern."""
    failed = finding(subject)
    return Seen(part, (failed,), (concern_of(failed, kind, subject, "alarm", T0),))  # type: ignore[arg-type]


def follows(*parts: Seen) -> dict[str, str]:
    """Return what follows from each concern of a look."""
    return {concern.subject: concern.then for concern in decide_look(parts, DRIFT).concerns}


def test_a_feature_that_moves_alone_is_what_the_policy_says_of_that() -> None:
    """Here a note: nobody is called, and the reason says so."""
    outcome = decide_look([seen("drift", AlarmKind.DRIFT, "wind")], DRIFT)
    assert [concern.then for concern in outcome.concerns] == ["note"]
    assert "without a sign of harm: wind" in outcome.reason
    assert outcome.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("drift", AlarmKind.SCORES),
        ("drift", AlarmKind.LABELS),
        ("quality", AlarmKind.QUALITY),
        ("estimate", AlarmKind.ESTIMATE),
    ],
)
def test_a_sign_of_harm_beside_it_makes_it_more(part: str, kind: AlarmKind) -> None:
    """Each of them does, and keeps what it says itself."""
    found = follows(seen("drift", AlarmKind.DRIFT, "wind"), seen(part, kind, "harm"))
    assert found == {"wind": "retrain", "harm": "alarm"}


def test_what_is_missing_is_never_a_note() -> None:
    """An upstream column that disappears calls somebody, whatever else has moved."""
    assert follows(seen("drift", AlarmKind.MISSING, "gate")) == {"gate": "alarm"}


def test_a_part_that_could_judge_nothing_closes_no_alarm() -> None:
    """Too few rows are no proof that all is well again."""
    thin = Seen("drift", (finding("drift", Verdict.INCONCLUSIVE),))
    outcome = decide_look([thin, Seen("intake", (finding("intake:a", Verdict.PASS),))], DRIFT)
    assert outcome.judged == KINDS["intake"]
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "1 are not judged yet, the first because drift is inconclusive" in outcome.reason


def test_what_a_look_cannot_judge_keeps_its_alarm_whatever_else_passes() -> None:
    """Else a rule that is undecided every other day would call the same people every other day."""
    one, other = finding("cost", Verdict.INCONCLUSIVE), finding("log-loss", Verdict.PASS)
    rows = Seen("freshness", (finding("stale:weather", Verdict.ERROR), finding("stale:planes", Verdict.PASS)))
    outcome = decide_look([Seen("quality", (one, other)), rows], DRIFT)
    assert outcome.undecided == {(AlarmKind.QUALITY, "cost"), (AlarmKind.STALE, "weather")}
    subjects = ((AlarmKind.QUALITY, "cost"), (AlarmKind.QUALITY, "log-loss"), (AlarmKind.STALE, "weather"))
    concerns = [Concern(kind, subject, "alarm", 0.4, 0.1, "moved", T0) for kind, subject in subjects]
    standing = settle((), "m", "1", judged=frozenset(), concerns=concerns, now=T0).opened
    closed = settle(standing, "m", "1", judged=outcome.judged, undecided=outcome.undecided, concerns=[], now=T0).closed
    assert [alarm.concern.subject for alarm in closed] == ["log-loss"]


def test_a_look_at_nothing_is_inconclusive_and_says_which_parts_are_silent() -> None:
    """Never a pass."""
    outcome = decide_look([], DRIFT)
    assert (outcome.verdict, outcome.judged) == (Verdict.INCONCLUSIVE, frozenset())
    assert "quality" in parts_without_word([Seen("drift", (finding("d"),))])


def test_a_concern_carries_the_findings_numbers() -> None:
    """Value, limit and reason are the finding's."""
    made = concern_of(finding("wind"), AlarmKind.DRIFT, "wind", "alarm", T0)
    assert made == Concern(AlarmKind.DRIFT, "wind", "alarm", 0.4, 0.1, "wind is fail", T0)
