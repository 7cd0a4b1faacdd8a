"""A policy is checked, told and tried from the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from console import cli
from lifecycle.errors import InvalidInput, NotFound
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.policies import read_policy
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.settings import Settings
from tests.console.rollouts import BEGAN, MODEL, rollout

REQUEST = json.dumps(
    {
        "carrier": "UA",
        "flight": 1545,
        "origin": "EWR",
        "dest": "IAH",
        "tail_number": "N14228",
        "scheduled_departure_at": "2013-04-01T14:30:00Z",
        "scheduled_arrival_at": "2013-04-01T18:25:00Z",
        "distance_miles": 1400.0,
    }
)
SHIPPED = Path(__file__).parents[2] / "policies" / "flight_delay.yaml"


def test_a_good_file_is_said_to_be_read_with_its_revision() -> None:
    """What stands in decisions as the policy's revision can be looked up."""
    result = CliRunner().invoke(cli.app, ["policy", "check", str(SHIPPED)])
    assert result.exit_code == 0
    assert f"policy of flight_delay, revision {read_policy(SHIPPED).revision()}" in result.stdout


def test_every_problem_of_a_bad_file_is_a_line_and_exit_code_one(tmp_path: Path) -> None:
    """Programs look at the exit code, people at the lines."""
    draft = tmp_path / "draft.yaml"
    text = SHIPPED.read_text(encoding="utf-8").replace("share: 0.1", "share: 0.9")
    draft.write_text(text.replace("minimum: 1\n", "minimal: 1\n"), encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["policy", "check", str(draft)])
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[-1] == f"3 problems in {draft}"
    assert all(line.startswith(f"{draft} line ") for line in lines[:-1])
    assert "did you mean minimum?" in result.stderr


def test_queue_of_reviews_that_takes_nobody_is_refused_with_its_line(tmp_path: Path) -> None:
    """Whoever wants no reviews leaves the section out."""
    draft = tmp_path / "draft.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    draft.write_text(text.replace("most_open: 1000", "most_open: 0"), encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["policy", "check", str(draft)])
    assert result.exit_code == 1
    line = next(number for number, said in enumerate(text.splitlines(), 1) if "most_open: 1000" in said)
    told = f"{draft} line {line}: review.most_open is 0; allowed: a whole number above 0"
    assert result.stderr.splitlines()[0] == told


def test_a_file_is_held_against_its_model(tmp_path: Path) -> None:
    """A misspelt slice would switch its rule off without a word; so would a unit or field that is not there."""
    assert (
        "its fields, unit and slices are those of flight_delay"
        in CliRunner().invoke(cli.app, ["policy", "check", str(SHIPPED)]).stdout
    )
    draft = tmp_path / "draft.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    draft.write_text(text.replace("in_slices_of: [carrier], slices", "in_slices_of: [airline], slices", 1))
    result = CliRunner().invoke(cli.app, ["policy", "check", str(draft)])
    assert result.exit_code == 1
    line = text[: text.index("in_slices_of: [carrier], slices")].count("\n") + 1
    asked, counted = result.stderr.splitlines()
    assert asked.startswith(
        f"{draft} line {line}: rollout.rules[3].when.in_slices_of[0]: shadow-quality-by-carrier asks "
    )
    assert asked.endswith("which flight_delay does not have; Allowed: carrier, origin, hour_block")
    assert counted == f"1 problem in {draft}"


def test_a_file_whose_model_is_not_known_is_checked_alone_and_says_so(tmp_path: Path) -> None:
    """A policy may be written before its model is."""
    draft = tmp_path / "draft.yaml"
    draft.write_text(SHIPPED.read_text(encoding="utf-8").replace("model: flight_delay", "model: ferry_delay", 1))
    result = CliRunner().invoke(cli.app, ["policy", "check", str(draft)])
    assert result.exit_code == 0
    assert "NOT checked: whether the model has its fields, unit and slices: no model 'ferry_delay'" in result.stdout


def test_a_policy_is_told_in_sentences(home: Settings) -> None:
    """By default the one there is; as JSON for a page."""
    spoken = CliRunner().invoke(cli.app, ["policy", "explain"], env={"COLUMNS": "1000"}).stdout
    assert "The rules for flight_delay, written by flight-operations" in spoken
    assert "- Step 1: 10 in 100, for at least 12 hours" in spoken
    document = json.loads(CliRunner().invoke(cli.app, ["policy", "explain", str(SHIPPED), "--json"]).stdout)
    assert all(sentence in spoken for chapter in document["chapters"] for sentence in chapter["sentences"])


def test_what_to_explain_must_be_clear(home: Settings) -> None:
    """A file and a model together, an unknown model, a missing file."""
    both = CliRunner().invoke(cli.app, ["policy", "explain", str(SHIPPED), "--model", "flight_delay"])
    assert isinstance(both.exception, InvalidInput)
    unknown = CliRunner().invoke(cli.app, ["policy", "explain", "--model", "fligth_delay"])
    assert isinstance(unknown.exception, InvalidInput)
    missing = CliRunner().invoke(cli.app, ["policy", "explain", "nowhere.yaml"])
    assert isinstance(missing.exception, NotFound)


def test_a_backtest_runs_as_a_flow_of_its_own(home: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    """A ledger in which nothing was tried yet says so."""
    options = ["--policy", str(SHIPPED), "--since", "2013-04-01T00:00:00Z"]
    result = CliRunner().invoke(cli.app, ["policy", "backtest", *options])
    assert result.exit_code == 0
    assert "No trial was under way" in capfd.readouterr().out


def failing_canary(home: Settings) -> None:
    """Log twenty hours of the canary, which answers one request in three, and of its control group."""
    writer = SegmentWriter(home.prediction_log, "r")
    served = datetime.now(UTC) - timedelta(hours=1)
    for hour in range(20):
        rows = [
            {
                "prediction_id": f"{version}-{hour}-{number}",
                "model": MODEL,
                "version": version,
                "arm": "canary" if version == "3" else "control",
                "replica": "r",
                "plan_revision": 6,
                "served_at": served + timedelta(seconds=10 * hour),
                "moment_at": BEGAN + timedelta(hours=hour),
                "example_id": f"e{number}",
                "unit": f"N{version}{number:03d}",
                "request": REQUEST,
                "outcome": "failed" if version == "3" and number % 3 else "answered",
            }
            for version in ("3", "2")
            for number in range(12)
        ]
        writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    writer.close()


def test_a_backtest_shows_what_the_new_rules_would_have_done(home: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    """From the command to the log and back: nobody took this canary back, and the rules would have."""
    engine = rollout(home)
    failing_canary(home)
    before = (Plans(engine).history(MODEL), Decisions(engine).of(MODEL))
    options = ["--policy", str(SHIPPED), "--since", "2013-04-01T00:00:00Z", "--every-minutes", "120", "--json"]
    assert CliRunner().invoke(cli.app, ["policy", "backtest", *options]).exit_code == 0
    found = json.loads(capfd.readouterr().out)
    (canary,) = [trial for trial in found if trial["arm"] == "canary"]
    assert (canary["version"], canary["decided"], canary["same"]) == ("3", None, False)
    assert canary["would_decide"]["action"] == "roll_back"
    assert canary["would_decide"]["at"] < "2013-04-01T20"
    assert "canary-errors" in canary["would_decide"]["reason"]
    assert (Plans(engine).history(MODEL), Decisions(engine).of(MODEL)) == before


@pytest.mark.parametrize(
    ("since", "words"),
    [("yesterday", "--since is 'yesterday'; allowed: ISO 8601"), ("2013-04-01T00:00:00", "has no time zone")],
)
def test_a_backtest_since_an_unclear_moment_is_refused(
    home: Settings, capfd: pytest.CaptureFixture[str], since: str, words: str
) -> None:
    """Nobody knows which hour is meant without a zone."""
    result = CliRunner().invoke(cli.app, ["policy", "backtest", "--policy", str(SHIPPED), "--since", since])
    assert result.exit_code == 1
    assert words in " ".join(capfd.readouterr().err.split())


def test_a_backtest_of_another_models_policy_is_refused(home: Settings) -> None:
    """The file says whose rules it holds."""
    options = ["--policy", str(SHIPPED), "--since", "2013-04-01T00:00:00Z", "--model", "other"]
    result = CliRunner().invoke(cli.app, ["policy", "backtest", *options])
    assert isinstance(result.exception, InvalidInput)
