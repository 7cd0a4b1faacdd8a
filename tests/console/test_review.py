"""`holdfast review`: people take what is due, answer it, and see how they stand."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from console.review import app
from lifecycle.errors import Conflict, InvalidInput, NotFound, NotPermitted
from lifecycle.review import ReviewKind
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.reviews import Reviews
from stores.settings import Settings
from tests.stores.ledger.asked import NOON, asked

MODEL = "flight_delay"
PLAYED = datetime(2013, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(home: Settings) -> Engine:
    """A ledger in which two answers wait; what is played is in 2013."""
    engine = open_ledger(home.ledger_address)
    Progress(engine).set_replay(PLAYED)
    Reviews(engine).enter(
        [
            asked("[a]", model=MODEL, example_id="2013-04-01T14:30Z/UA/1/EWR/IAH"),
            asked("b", 5, model=MODEL, kind=ReviewKind.AUDIT, predicted=1),
        ]
    )
    return engine


def run(*arguments: str) -> None:
    """Run `holdfast review` as the command line does, errors passed on."""
    app(list(arguments), standalone_mode=False)


def test_answer_is_taken_given_and_shown(ledger: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """The label is known from the played moment, the answer from the machine's."""
    run("next", "--as", "on-call", "--json")
    taken = json.loads(capsys.readouterr().out)
    assert (taken["prediction_id"], taken["claimed_by"], taken["request"]) == ("[a]", "on-call", {"load": 1})
    run("next", "--as", "on-call")
    shown = capsys.readouterr().out
    assert "[a]" in shown
    assert "load: 1" in shown
    assert "holdfast review answer [a] 0|1" in shown
    run("answer", "[a]", "0", "--as", "on-call", "--because", "it [landed] early")
    assert "is 0, by on-call; label of 2013-04-01T14:30Z/UA/1/EWR/IAH, revision 1" in capsys.readouterr().out
    run("show", "[a]")
    assert "on-call said 0" in capsys.readouterr().out
    (label,) = PeoplesLabels(ledger).all(MODEL)
    assert (label.source, label.who, label.reason, label.known_at) == ("review", "on-call", "it [landed] early", PLAYED)
    answered_at = Reviews(ledger).get("[a]").answered_at
    assert answered_at is not None
    assert datetime.now(UTC) - answered_at < timedelta(minutes=5)


def test_nothing_that_waits_is_said(ledger: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the two are answered."""
    for name in ("[a]", "b"):
        run("answer", name, "1", "--as", "on-call", "--because", "seen")
    capsys.readouterr()
    run("next", "--as", "on-call")
    run("list")
    assert capsys.readouterr().out == "Nothing waits for you.\nNothing waits for a person.\n"
    run("list", "--all", "--json")
    assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["answered", "answered"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("next", "--as", "mallory"), NotPermitted, "'mallory' may not review this model; its policy lets on-call"),
        (("next", "--model", "weather", "--as", "on-call"), NotFound, "no model 'weather'"),
        (("answer", "b", "yes", "--as", "on-call", "--because", "x"), InvalidInput, "the answer is 'yes'; allowed: 0"),
        (("answer", "b", "1", "--as", "mallory", "--because", "x"), NotPermitted, "may not review"),
        (("answer", "b", "1", "--as", "on-call", "--because", " "), InvalidInput, "the reason is empty"),
        (("answer", "z", "1", "--as", "on-call", "--because", "x"), NotFound, "nobody is asked about"),
        (("show", "z"), NotFound, "nobody is asked about"),
        (("list", "--model", "weather"), NotFound, "no model 'weather'"),
        (("summary", "--model", "weather"), NotFound, "no model 'weather'"),
    ],
)
def test_command_that_cannot_be_meant_is_refused(
    ledger: Engine, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    """With the value, and what is allowed."""
    with pytest.raises(error, match=said):
        run(*arguments)


def test_second_word_is_refused_unless_it_overrules(ledger: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """Who said what is told."""
    run("answer", "b", "1", "--as", "on-call", "--because", "seen")
    other = ("answer", "b", "0", "--as", "flight-operations", "--because", "the gate says so")
    with pytest.raises(Conflict, match="on-call answered 1 to b"):
        run(*other)
    run(*other, "--overrule")
    assert "is 0, by flight-operations" in capsys.readouterr().out


def test_summary_says_what_waits_and_how_often_people_agree(ledger: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """The audited answer was 1, and the person says so."""
    run("answer", "b", "1", "--as", "on-call", "--because", "seen")
    capsys.readouterr()
    run("summary", "--json")
    provisional, audit = json.loads(capsys.readouterr().out)[MODEL]
    assert (provisional["open"], audit["answered"], audit["agreement"]) == (1, 1, 1.0)
    waited = (datetime.now(UTC) - NOON).total_seconds()
    assert provisional["oldest_seconds"] == pytest.approx(waited, abs=60)
    run("summary")
    assert "0 overdue; 1 answered, and people agree with 100.0% of 1\n" in capsys.readouterr().out
    Reviews(ledger).recount({(MODEL, ReviewKind.AUDIT): 1234}, reached=1)
    run("summary", "--json")
    provisional, audit = json.loads(capsys.readouterr().out)[MODEL]
    assert (provisional["not_entered"], audit["not_entered"]) == (0, 1234)
    run("summary")
    assert "of 1; nobody was asked about 1,234, as the queue was full\n" in capsys.readouterr().out
