"""Reviews enter once, are one person's at a time, and end with a word that is the example's label."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from lifecycle.errors import Conflict, InvalidInput, NotFound
from lifecycle.outcome import Action
from lifecycle.review import ReviewKind, ReviewState
from lifecycle.verdict import Decision, Verdict
from stores.ledger.answering import Answered, Answering
from stores.ledger.decisions import Decisions
from stores.ledger.escalations import Escalations
from stores.ledger.labels import PeoplesLabels
from stores.ledger.review_figures import ReviewFigures, review_figures
from stores.ledger.reviews import Reviews
from tests.stores.ledger.asked import NOON, asked

MINUTES = {"m": 10.0}
PROVISIONAL = ReviewKind.PROVISIONAL


def later(minutes: float) -> datetime:
    """Return some minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def word(name: str, label: int, who: str = "ada", *, overrule: bool = False) -> Answered:
    """Return what a person says."""
    return Answered(name, label, who, f"{who} knows", NOON, overrule=overrule)


def call(name: str) -> Decision:
    """Return a decision that calls people."""
    return Decision(name, "m", "1", Action.ALARM, Verdict.FAIL, "late", (), "p", 1, "flow:review", NOON)


def test_review_that_is_entered_again_stays_as_it_is(ledger: Engine) -> None:
    """Gateways and the flow both enter it, in any order, also after it was answered."""
    kept = Reviews(ledger)
    kept.enter([asked("a"), asked("b", 1)])
    answered, _ = Answering(ledger).answer(word("a", 0), NOON)
    kept.enter([asked("a"), asked("c", 2)], reached=7)
    assert kept.get("a") == answered
    assert [one.prediction_id for one in kept.open()] == ["b", "c"]
    assert [one.prediction_id for one in kept.all("m", 2)] == ["c", "b"]
    assert kept.reached() == 7
    kept.enter([], reached=9)
    assert kept.reached() == 9


def test_prediction_that_nobody_is_asked_about_is_not_found(ledger: Engine) -> None:
    """With the way to those that wait; among many asked for at once it is left out."""
    kept = Reviews(ledger)
    kept.enter([asked("a")])
    with pytest.raises(NotFound, match="nobody is asked about a prediction 'z'"):
        kept.get("z")
    assert set(kept.answer_of(["a", "z"])) == {"a"}


def test_two_people_do_not_get_the_same(ledger: Engine) -> None:
    """What is due first comes first; who asks again keeps what they have; a claim that ran out is free."""
    Reviews(ledger).enter([asked("b", 5), asked("a"), replace(asked("x"), model="other")])
    people = Answering(ledger)
    taken = [people.claim(who, later(10), MINUTES) for who in ("ada", "bob", "eve", "ada")]
    assert [None if one is None else one.prediction_id for one in taken] == ["a", "b", None, "a"]
    assert taken[0] is not None
    assert (taken[0].claimed_by, taken[0].claimed_until) == ("ada", later(20))
    freed = people.claim("eve", later(20), MINUTES)
    assert freed is not None
    assert (freed.prediction_id, freed.claimed_by) == ("a", "eve")


def test_answer_is_the_example_s_label_with_who_and_when(ledger: Engine) -> None:
    """Both are stored or neither, and the same word said again changes nothing."""
    Reviews(ledger).enter([asked("a")])
    review, label = Answering(ledger).answer(word("a", 0), later(3))
    assert (review.state, review.answer, review.answered_by) == (ReviewState.ANSWERED, 0, "ada")
    assert (review.because, review.answered_at) == ("ada knows", later(3))
    assert (label.example_id, label.label, label.source, label.who, label.known_at) == (
        *("example a", 0, "review", "ada", NOON),
    )  # fmt: skip
    assert Answering(ledger).answer(word("a", 0), later(9)) == (review, label)
    assert len(PeoplesLabels(ledger).all("m")) == 1


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (word("a", 2), InvalidInput, "the answer to a is 2; allowed: 0 or 1"),
        (replace(word("a", 1), because=" "), InvalidInput, "the reason is empty"),
        (word("a", 1, "bob"), Conflict, "ada looks at a until 2026-04-01 12:10:00 UTC"),
        (word("z", 1), NotFound, "nobody is asked about"),
    ],
)
def test_answer_that_cannot_be_meant_is_refused_and_nothing_is_stored(
    ledger: Engine, said: Answered, error: type[Exception], words: str
) -> None:
    """With the value and what is allowed, or who has it and until when."""
    Reviews(ledger).enter([asked("a")])
    Answering(ledger).claim("ada", NOON, MINUTES)
    with pytest.raises(error, match=words):
        Answering(ledger).answer(said, later(1))
    assert PeoplesLabels(ledger).all("m") == ()
    assert Reviews(ledger).get("a").answered_at is None


def test_word_that_contradicts_another_is_shown_and_stands_only_when_it_overrules(ledger: Engine) -> None:
    """Of an answer as of a label that somebody gave unasked; every word stays in the label store."""
    labels, people = PeoplesLabels(ledger), Answering(ledger)
    Reviews(ledger).enter([asked("a"), asked("b")])
    labels.give("m", "example a", 1, "person", "bob", "I saw it", NOON)
    with pytest.raises(Conflict, match=r"bob said 1 about example a .*I saw it.*and you say 0"):
        people.answer(word("a", 0), NOON)
    assert Reviews(ledger).get("a").state is ReviewState.PENDING
    assert people.answer(word("a", 0, overrule=True), NOON)[0].answer == 0
    people.answer(word("b", 1), NOON)
    with pytest.raises(Conflict, match=r"ada answered 1 to b, at 2026-04-01 12:00 \(ada knows\)"):
        people.answer(word("b", 0, "eve"), NOON)
    review, _ = people.answer(word("b", 0, "eve", overrule=True), later(1))
    assert (review.answer, review.answered_by) == (0, "eve")
    assert [(one.example_id, one.revision, one.label, one.who) for one in labels.all("m")] == [
        ("example a", 2, 0, "ada"),
        ("example a", 1, 1, "bob"),
        ("example b", 2, 0, "eve"),
        ("example b", 1, 1, "ada"),
    ]


def test_overdue_answers_are_called_for_once(ledger: Engine) -> None:
    """Unsure ones only, and none that was answered; the people are told once, also after a kill in between."""
    kept, escalations = Reviews(ledger), Escalations(ledger)
    kept.enter([asked("a"), asked("b"), asked("c", 30), asked("d", kind=ReviewKind.AUDIT)])
    Answering(ledger).answer(word("b", 1), NOON)
    late = escalations.overdue("m", later(60))
    assert [one.prediction_id for one in late] == ["a"]
    escalations.escalate(late, call("first"))
    assert kept.get("a").state is ReviewState.ESCALATED
    assert escalations.overdue("m", later(60)) == ()
    with pytest.raises(Conflict, match="were answered or escalated just now"):
        escalations.escalate(late, call("second"))
    assert not Decisions(ledger).known("second")
    assert escalations.untold("m") == ("first",)
    escalations.mark_told("first", later(61))
    assert escalations.untold("m") == ()


def test_figures_say_what_waits_and_how_often_people_agree(ledger: Engine) -> None:
    """An answer on which the model said neither is answered, and nobody agreed or disagreed."""
    audits = [asked(name, kind=ReviewKind.AUDIT) for name in ("d", "e", "f")]
    Reviews(ledger).enter([asked("a"), asked("b", 30), asked("c", predicted=None), *audits])
    for name, label in (("c", 1), ("d", 1), ("e", 0)):
        Answering(ledger).answer(word(name, label), NOON)
    provisional, audit = review_figures(ledger, "m", later(70))
    assert provisional == ReviewFigures(ReviewKind.PROVISIONAL, 2, 1, 4200.0, 1, 0, 0, 0)
    assert (audit.open, audit.overdue, audit.answered, audit.agreement) == (1, 1, 2, 0.5)
    assert provisional.agreement is None
    assert [one.open for one in review_figures(ledger, "other", NOON)] == [0, 0]


def test_many_people_at_once_each_get_another_and_all_are_answered_once(ledger: Engine) -> None:
    """Eight people, forty answers."""
    names = {f"{number:02}" for number in range(40)}
    Reviews(ledger).enter([asked(name) for name in names])

    def work(who: str) -> list[str]:
        done = []
        while (taken := Answering(ledger).claim(who, NOON, MINUTES)) is not None:
            done.append(Answering(ledger).answer(word(taken.prediction_id, 1, who), NOON)[0].prediction_id)
        return done

    with ThreadPoolExecutor(8) as people:
        done = [name for names in people.map(work, (f"person {number}" for number in range(8))) for name in names]
    assert sorted(done) == sorted(names)


def test_queue_takes_no_more_than_its_bound_and_says_what_found_no_room(each_ledger: Engine) -> None:
    """Each kind of each model has its own room; what is there already needs none; an answer makes room."""
    kept, bounds = Reviews(each_ledger), {"m": 2, "other": 1}
    sampled = asked("audit", kind=ReviewKind.AUDIT)
    found = [*map(asked, "abc"), sampled, asked("x", model="other"), asked("y", model="other")]
    assert kept.enter(found, most_open=bounds) == {("m", PROVISIONAL): 1, ("other", PROVISIONAL): 1}
    assert {one.prediction_id for one in kept.open()} == {"a", "b", "audit", "x"}
    assert kept.enter([asked("a"), asked("d")], most_open=bounds) == {("m", PROVISIONAL): 1}
    assert dict(kept.room(bounds)) == {
        ("m", PROVISIONAL): 0,
        ("m", ReviewKind.AUDIT): 1,
        ("other", PROVISIONAL): 0,
        ("other", ReviewKind.AUDIT): 1,
    }
    Answering(each_ledger).answer(word("a", 1), NOON)
    assert kept.enter([asked("a"), asked("d")], most_open=bounds) == {}
    assert {one.prediction_id for one in kept.open("m")} == {"b", "d", "audit"}
    assert kept.enter([asked("e")]) == {}
    assert len(kept.open("m")) == 4


def test_what_found_no_room_is_counted_with_the_commit_that_asked(each_ledger: Engine) -> None:
    """Gateways count nothing, because the flow reads the same rows; a search of the whole log counts afresh."""
    kept = Reviews(each_ledger)

    def counted() -> list[int]:
        return [one.not_entered for one in review_figures(each_ledger, "m", NOON)]

    kept.enter([asked("a"), asked("b")], most_open={"m": 1})
    assert counted() == [0, 0]
    for commit in (1, 2):
        kept.enter([asked("a"), asked("b"), asked("c")], commit, most_open={"m": 1})
    assert (counted(), kept.reached()) == ([4, 0], 2)
    kept.recount({("m", ReviewKind.AUDIT): 2**40}, reached=3)
    assert (counted(), kept.reached()) == ([0, 2**40], 3)


def test_replicas_at_once_stay_within_the_bound(each_ledger: Engine) -> None:
    """Four of them, with a hundred answers each and room for twenty."""

    def enter(replica: int) -> int:
        found = [asked(f"{replica}-{number}") for number in range(100)]
        parts = [found[first : first + 10] for first in range(0, 100, 10)]
        return sum(sum(Reviews(each_ledger).enter(part, most_open={"m": 20}).values()) for part in parts)

    with ThreadPoolExecutor(4) as replicas:
        left = sum(replicas.map(enter, range(4)))
    assert (len(Reviews(each_ledger).open()), left) == (20, 380)
