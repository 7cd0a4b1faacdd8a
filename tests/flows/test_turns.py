"""Every model gets its turn, and every failure is told after the last."""

import pytest

from flows.turns import take_turns
from lifecycle.errors import Conflict, DataRejected, HoldfastError

FAILURES: dict[str, HoldfastError] = {"b": DataRejected("thin"), "d": Conflict("held")}


def test_turns_return_what_was_done_in_order() -> None:
    """One result per model."""
    assert take_turns(("a", "b"), str.upper) == ("A", "B")


def test_only_failure_is_raised_as_it_is_after_the_last_turn() -> None:
    """Who asked for one model by name catches the error of its own kind."""
    had = []

    def act(model: str) -> None:
        had.append(model)
        if model == "b":
            raise FAILURES[model]

    with pytest.raises(DataRejected, match=r"^thin$"):
        take_turns(("a", "b", "c"), act)
    assert had == ["a", "b", "c"]


def test_several_failures_are_listed_together() -> None:
    """Each with its model, its kind and its words."""

    def act(model: str) -> None:
        if model in FAILURES:
            raise FAILURES[model]

    with pytest.raises(HoldfastError) as raised:
        take_turns("abcd", act)
    assert str(raised.value) == "2 of 4 models failed\nb: DataRejected: thin\nd: Conflict: held"


def test_error_that_is_no_word_to_a_person_is_raised_at_once() -> None:
    """A fault in the program is not collected."""

    def act(model: str) -> None:
        raise ZeroDivisionError(model)

    with pytest.raises(ZeroDivisionError, match="a"):
        take_turns("ab", act)
