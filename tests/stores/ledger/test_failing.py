"""What a person reads of a ledger that fails: what the database said, and nothing of what was asked."""

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from lifecycle.errors import Unavailable
from stores.ledger.failing import MOST_CHARACTERS, in_short
from stores.ledger.review_schema import reviews
from stores.ledger.reviews import Reviews
from tests.stores.ledger.asked import asked

SECRET = "the caller's own words"


def test_failing_insert_shows_neither_what_was_stored_nor_the_whole_statement(each_ledger: Engine) -> None:
    """Requests are other people's data; and a line of a log is read by a person."""
    many = [asked(SECRET, request=SECRET, example_id=SECRET) for _ in range(2)]
    Reviews(each_ledger).enter(many[:1])
    row = {"prediction_id": SECRET, "model": "m", "request": SECRET, "example_id": SECRET}
    with pytest.raises(IntegrityError) as failed, each_ledger.begin() as connection:
        connection.execute(insert(reviews), [row | {"version": SECRET, "kind": "audit", "score": 0.5}])
    told = in_short(failed.value)
    assert told
    assert SECRET not in told
    assert "INSERT" not in told
    assert len(told) <= 300
    assert "[parameters:" not in str(failed.value)
    assert "hidden due to hide_parameters" in str(failed.value)


def test_failure_of_a_duplicate_shows_no_value(each_ledger: Engine) -> None:
    """Postgres names it, on a further line."""
    Reviews(each_ledger).enter([asked(SECRET)])
    kept = {"version": "1", "kind": "audit", "example_id": "e", "request": "{}", "score": 0.5, "decision": "yes"}
    one = asked("a")
    times = {"served_at": one.served_at, "due_at": one.due_at, "entered_at": one.entered_at}
    with pytest.raises(IntegrityError) as failed, each_ledger.begin() as connection:
        connection.execute(insert(reviews), [kept | times | {"prediction_id": SECRET, "model": "m"}])
    assert SECRET not in in_short(failed.value)


def test_long_failure_is_cut_and_an_empty_one_has_the_name_of_its_kind() -> None:
    """A line stays a line. Errors of our own are written for people, and stay whole."""
    assert len(in_short(SQLAlchemyError("x" * 5000))) == MOST_CHARACTERS + 1
    assert in_short(OperationalError("SELECT 1", {}, Exception(""))) == "OperationalError"
    assert in_short(Unavailable("y" * 5000)) == "y" * 5000
