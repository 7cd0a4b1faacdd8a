"""Every word of a person is kept; the newest stands."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from lifecycle.errors import InvalidInput
from stores.ledger.labels import PeoplesLabels, Word

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_same_word_by_the_same_person_is_one_revision(ledger: Engine) -> None:
    """Said again after a crash, it changes nothing, not even when it was known."""
    kept = PeoplesLabels(ledger)
    first = kept.give("m", "a", 1, "person", "ada", "saw it", NOON)
    assert kept.give("m", "a", 1, "person", "ada", "saw it", NOON + HOUR) == first
    assert kept.all("m") == (first,)


def test_another_word_or_another_person_is_a_new_revision(ledger: Engine) -> None:
    """Who said what when stays readable."""
    kept = PeoplesLabels(ledger)
    kept.give("m", "a", 1, "person", "ada", "saw it", NOON)
    kept.give("m", "a", 0, "person", "ada", "looked again", NOON + HOUR)
    kept.give("m", "a", 0, "review", "ben", "so do I", NOON + 2 * HOUR)
    assert [(one.revision, one.label, one.who, one.source) for one in kept.all("m")] == [
        (3, 0, "ben", "review"), (2, 0, "ada", "person"), (1, 1, "ada", "person")
    ]  # fmt: skip
    newest = kept.newest("m").set_index("example_id").loc["a"]
    assert (newest["label"], newest["revision"], newest["changed"]) == (0, 3, True)
    assert (newest["first_known_at"], newest["known_at"]) == (NOON, NOON + 2 * HOUR)


def test_what_stood_at_a_moment_is_what_was_known_by_it(ledger: Engine) -> None:
    """The past reads the same whatever is said later."""
    kept = PeoplesLabels(ledger)
    kept.give("m", "a", 1, "person", "ada", "saw it", NOON)
    kept.give("m", "a", 0, "person", "ben", "no", NOON + HOUR)
    assert kept.newest("m", NOON)["label"].tolist() == [1]
    assert kept.newest("m", NOON + HOUR)["label"].tolist() == [0]
    assert kept.newest("m", NOON - HOUR).empty
    assert kept.newest("another").empty


def test_a_clock_that_was_set_back_keeps_the_order_of_words(ledger: Engine) -> None:
    """The later word is the later one."""
    kept = PeoplesLabels(ledger)
    kept.give("m", "a", 1, "person", "ada", "saw it", NOON)
    assert kept.give("m", "a", 0, "person", "ben", "no", NOON - HOUR).known_at == NOON


def test_of_many_words_all_stand_or_none(ledger: Engine) -> None:
    """A wrong one among them keeps out the others."""
    kept = PeoplesLabels(ledger)
    words = [Word(str(one), one % 2) for one in range(1200)]
    assert len(kept.give_all("m", words, source="person", who="ada", reason="list", at=NOON)) == 1200
    assert len(kept.give_all("m", words, source="person", who="ada", reason="list", at=NOON)) == 1200
    assert len(kept.newest("m")) == 1200
    with pytest.raises(InvalidInput, match="the label of b is 2; allowed: 0 or 1"):
        kept.give_all("m", [Word("a", 1), Word("b", 2)], source="person", who="ada", reason="list", at=NOON)
    assert "a" not in kept.newest("m")["example_id"].tolist()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ((2, "person", "ada", "saw it"), "the label of a is 2; allowed: 0 or 1"),
        ((True, "person", "ada", "saw it"), "the label of a is True; allowed: 0 or 1"),
        ((1, "oracle", "ada", "saw it"), "allowed: person, review, capture"),
        ((1, "person", " ", "saw it"), "nobody is named"),
        ((1, "person", "ada", " "), "the reason is empty"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused(ledger: Engine, word: tuple[int, Any, str, str], said: str) -> None:
    """Nothing is stored then."""
    with pytest.raises(InvalidInput, match=said):
        PeoplesLabels(ledger).give("m", "a", *word, NOON)
    assert PeoplesLabels(ledger).all("m") == ()


def test_two_people_at_once_both_have_their_word(ledger: Engine) -> None:
    """Neither overwrites the other."""
    kept = PeoplesLabels(ledger)
    with ThreadPoolExecutor(4) as pool:
        people = [f"person-{one}" for one in range(8)]
        list(pool.map(lambda who: kept.give("m", "a", 1, "person", who, "saw it", NOON), people))
    assert sorted(one.who for one in kept.all("m")) == people
    assert sorted(one.revision for one in kept.all("m")) == list(range(1, 9))
