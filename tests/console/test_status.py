"""The status says who serves, who is on trial, and what waits for a person."""

import json
from datetime import UTC, datetime

from typer.testing import CliRunner

from console import cli
from stores.ledger.plans import Plans
from stores.ledger.scalings import Scaling, Scalings
from stores.settings import Settings
from tests.console.rollouts import MODEL, report, rollout

SHADOW = {
    "version": "4",
    "since_revision": 6,
    "mirrored_rows": 100,
    "dropped_rows": 3,
    "answered_rows": 95,
    "failed_rows": 2,
    "trouble": "",
}


def shown(*words: str) -> str:
    """Return what the command prints."""
    return CliRunner().invoke(cli.app, ["status", *words], env={"COLUMNS": "400"}).stdout


def test_who_is_on_trial_is_shown_with_its_figures(home: Settings) -> None:
    """Shadow counts are the replicas' together; a report about an older shadow counts nowhere."""
    engine = rollout(home)
    revision = Plans(engine).current(MODEL).revision
    report(engine, "one", revision, shadow=SHADOW)
    report(engine, "two", revision, shadow={**SHADOW, "mirrored_rows": 20, "trouble": "over 1024 MB"})
    report(engine, "three", revision - 1, detail="loading", left_out={"3": "does not load"}, shadow={"version": "9"})
    text = shown()
    for words in (
        "champion version 2, plan revision 6",
        "served by 2 of 3 replicas",
        "way back: version 1",
        "canary: version 3 (canary), step 1, answers 10.0% of the units since 2013-04-01 00:00 UTC",
        "shadow: version 4 (shadow) since 2013-04-01 00:00 UTC; 120 rows mirrored, 6 dropped, 190 answered, 4 failed",
        "4 failed since the replicas that run now began",
        "two: over 1024 MB",
        "replica three serves plan revision 5, ready: loading",
        "version 3 does not stand on three: does not load",
    ):
        assert words in text
    assert "until a person" not in text


def test_a_hold_says_why_and_which_words_end_it(home: Settings) -> None:
    """Who is woken at night can copy the command."""
    rollout(home)
    CliRunner().invoke(cli.app, ["hold", MODEL, "--reason", "a storm", "--as", "on-call"])
    text = shown()
    assert "held; nothing advances until a person says so: a storm" in text
    for word in ("resume", "promote", "rollback"):
        assert f"`holdfast {word} {MODEL} --reason …`" in text
    assert "canary: version 3 (held)" in text


def test_a_pin_is_told_from_a_hold(home: Settings) -> None:
    """Promoting a version is not possible then, and is not offered."""
    rollout(home)
    CliRunner().invoke(cli.app, ["pin", MODEL, "--reason", "a holiday", "--as", "flight-operations"])
    text = shown()
    assert "pinned; the champion stays and nothing advances until a person says so: a holiday" in text
    assert "holdfast promote" not in text


def test_replicas_and_the_reason_of_their_number_are_shown(home: Settings) -> None:
    """Now, at least and at most, and what the last change was for."""
    engine = rollout(home)
    assert "Gateway:" not in shown()
    report(engine, "one", 6)
    report(engine, "two", 6)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    Scalings(engine).record(Scaling(at, 1, 2, 1, 4, "p95 of m is 130 ms; target_p95_ms allows 100"))
    assert (
        "Gateway: 2 replicas report, 1 to 4 allowed; 1 → 2 wanted since 2026-01-01 00:00:00 UTC, "
        "because p95 of m is 130 ms; target_p95_ms allows 100"
    ) in shown()
    told = json.loads(shown("--json"))["scaling"]
    assert (told["running"], told["minimum"], told["maximum"]) == (2, 1, 4)


def test_programs_read_the_same(home: Settings) -> None:
    """As JSON, with nothing left out."""
    engine = rollout(home)
    report(engine, "one", 6, shadow=SHADOW)
    (model,) = json.loads(shown("--json"))["models"]
    assert (model["canary"]["version"], model["canary"]["share"], model["canary"]["step"]) == ("3", 0.1, 1)
    assert (model["shadow"]["mirrored"], model["shadow"]["dropped"]) == (100, 3)
    assert (model["held"], model["pinned"], model["gateway"][0]["replica"]) == (None, False, "one")
