"""What `holdfast jobs` says, and messages that are sent again."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook
from typer.testing import CliRunner

from console import cli
from lifecycle.errors import Conflict, InvalidInput, NotFound
from lifecycle.jobs import DeliveryState, JobState
from stores.ledger.deliveries import Deliveries
from stores.ledger.job_records import Ending, NewJob, Sent
from stores.ledger.jobs import Jobs
from stores.ledger.opening import open_ledger
from stores.settings import Settings

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def say(*words: str) -> str:
    """Return what the command prints; raises the error that a person would read."""
    result = CliRunner().invoke(cli.app, ["jobs", *words], env={"COLUMNS": "400"})
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.fixture
def engine(home: Settings) -> Engine:
    """Return a ledger with one job that waits and one whose message was given up."""
    made = open_ledger(home.ledger_address)
    jobs, messages = Jobs(made), Deliveries(made)
    new = [
        NewJob(name, "m", "2", 5, "predict", {}, b"{}", None, priority, "https://example.org/hook", NOW)
        for name, priority in (("told", 0), ("waits", 1))
    ]
    jobs.enqueue(new, {"m": 9})
    (claimed,) = jobs.claim("m", holder="r", lease_seconds=9, limit=1, now=NOW)
    jobs.end([Ending("told", claimed.token, JobState.FAILED, "version-gone: it is gone")], NOW)
    (sending,) = messages.claim("m", lease_seconds=9, limit=1, now=NOW)
    messages.settle([Sent("told", sending.token, DeliveryState.DEAD, "the receiver answered 410")], NOW)
    return made


def test_the_list_says_what_is_open_and_what_was_left_last(engine: Engine) -> None:
    """With the age of the oldest, and the messages that wait for a person."""
    said = say("list")
    assert "m: 1 wait, 0 are worked on, the oldest since 2026-01-01 12:00:00; 0 messages to send, 1 dead" in said
    assert "version-gone: it is gone" in said
    assert [job["job_id"] for job in json.loads(say("list", "--state", "waiting", "--json"))] == ["waits"]
    assert "No such job is kept." in say("list", "--state", "running")


def test_one_job_is_shown_with_its_message(engine: Engine) -> None:
    """Everything but its rows and its answer."""
    said = say("show", "told")
    assert "told is failed" in said
    assert "priority: interactive" in said
    assert "dead at 2026-01-01 12:00:00 after 1 attempts; the last time: the receiver answered 410" in said
    assert json.loads(say("show", "told", "--json"))["delivery"]["url"] == "https://example.org/hook"


def test_a_dead_message_is_sent_again_by_a_person(engine: Engine) -> None:
    """By its job, or all of them; then none is dead."""
    assert "told  m to https://example.org/hook: dead" in say("dead", "list")
    assert "1 messages are sent again" in say("dead", "retry", "told")
    assert "No message was given up." in say("dead", "list")
    assert "0 messages are sent again" in say("dead", "retry", "--all")
    with pytest.raises(Conflict, match="is waiting"):
        say("dead", "retry", "told")


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (("show", "nothing"), NotFound, "no job 'nothing'"),
        (("list", "--state", "lost"), InvalidInput, "--state is 'lost'; allowed: waiting, running"),
        (("list", "--model", "nothing"), NotFound, "no model 'nothing'"),
        (("dead", "retry"), InvalidInput, "give the id of one job, or --all"),
        (("dead", "retry", "nothing"), NotFound, "no message about a job 'nothing'"),
    ],
)
def test_what_is_not_there_or_not_allowed_is_told_in_words(
    engine: Engine, words: tuple[str, ...], error: type[Exception], told: str
) -> None:
    """With what is."""
    with pytest.raises(error, match=told):
        say(*words)


def test_the_secret_that_is_printed_checks_what_is_signed(home: Settings) -> None:
    """Each tenant has its own, the same every time."""
    mine, other = say("secret").strip(), say("secret", "--tenant", "other").strip()
    assert mine == say("secret").strip() != other
    signed = Webhook(mine).sign("id", NOW, "body")
    assert signed == Webhook(say("secret").strip()).sign("id", NOW, "body") != Webhook(other).sign("id", NOW, "body")
