"""Looks as people read them."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from console import cli
from lifecycle.drift.comparison import Certainty, Comparison
from lifecycle.errors import NotFound
from lifecycle.look import Look
from lifecycle.verdict import Verdict
from stores.ledger.looks import Looks
from stores.ledger.progress import Progress
from stores.settings import Settings
from tests.console.rollouts import EVENT_NOW, MODEL, rollout


@pytest.fixture
def engine(home: Settings) -> Engine:
    """Return a ledger with a rollout under way, on a replayed clock."""
    made = rollout(home)
    Progress(made).set_replay(EVENT_NOW)
    return made


def look(engine: Engine, columns: list[dict[str, object]], reason: str = "wind has moved") -> None:
    """Have a look kept that compared these columns."""
    since, at = EVENT_NOW - timedelta(days=7), EVENT_NOW - timedelta(hours=1)
    evidence = {"columns": columns}
    Looks(engine).record(Look("1", MODEL, "2", since, at, 900, Verdict.FAIL, reason, (), "p", 0.5, at, evidence))


def moved(column: str, psi: float, by_chance: float, p_value: float) -> dict[str, object]:
    """Return a comparison as a look keeps it."""
    certainty = Certainty(p_value / 10, p_value)
    one = Comparison(
        column, "feature", 900, 900, 0.25, 0.5, None, psi, blocked_expected_psi=by_chance, js=0.0625, moved=certainty
    )
    return asdict(one) | {"effect": one.effect}


def say(*words: str, columns: int) -> list[str]:
    """Return the lines that the command prints in a terminal so wide."""
    result = CliRunner().invoke(cli.app, [*words], env={"COLUMNS": str(columns)}, catch_exceptions=False)
    return result.stdout.splitlines()


def test_what_moved_most_beyond_chance_comes_first_with_its_numbers(engine: Engine) -> None:
    """A large distance that chance explains is no large move."""
    look(engine, [moved("noisy", 0.5, 0.5, 0.25), moved("wind", 0.4, 0.1, 1e-9)])
    lines = say("looks", columns=200)
    assert [line.split() for line in lines[-2:]] == [
        ["wind", "0.400", "0.100", "0.062", "25.0%", "50.0%", "1e-09"],
        ["noisy", "0.500", "0.500", "0.062", "25.0%", "50.0%", "0.25"],
    ]


def test_names_of_columns_are_whole_in_a_narrow_terminal(engine: Engine) -> None:
    """They are what a person goes on to ask for."""
    name = "origin_countdown_of_departures_in_the_last_hour"
    look(engine, [moved(name, 0.4, 0.1, 1e-9)])
    assert any(name in line for line in say("looks", columns=80))


def test_the_loop_tells_the_last_look_in_a_line(engine: Engine) -> None:
    """A look at forty columns has a reason of forty sentences."""
    look(engine, [], reason="; ".join(["wind has moved"] * 40))
    (told,) = [line for line in say("loop", columns=1000) if "last look" in line]
    assert "holdfast looks" in told
    assert len(told) < 260


@pytest.mark.parametrize("command", ["looks", "alarms", "decisions", "quality", "proposals"])
def test_a_model_that_nobody_knows_is_no_good_news(home: Settings, command: str) -> None:
    """A slip of the pen must not read as if no alarm stood."""
    home.policies.mkdir(exist_ok=True)
    with pytest.raises(NotFound, match="no model 'nosuch'; models here"):
        say(command, "--model", "nosuch", columns=80)
