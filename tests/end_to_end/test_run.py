"""`holdfast run` brings the whole loop up on real parts, and `holdfast stop` takes it down again."""

import json
import re

import httpx
import pytest

from tests.end_to_end.conftest import RunningStack

pytestmark = pytest.mark.timeout(600)


def test_the_closing_table_tells_the_whole_loop(stack: RunningStack) -> None:
    """Events, quarantine, gate, traffic, latency and quality are all there."""
    for told in (
        "events in",
        "quarantined",
        "champion",
        "offline gate",
        "predictions served",
        "latency",
        "rolling week",
    ):
        assert told in stack.played
    assert re.search(r"predictions served\W+[\d,]+ now, 0 failed", stack.played)


def test_every_answer_of_the_day_is_in_the_log_once(stack: RunningStack) -> None:
    """What the client counted is what the log holds, and no id is there twice."""
    answered = re.search(r"predictions served\W+([\d,]+) now", stack.played)
    assert answered is not None
    sql = "SELECT count(*) AS n, count(DISTINCT prediction_id) AS ids FROM predictions WHERE model = 'flight_delay'"
    (counted,) = json.loads(stack.holdfast("log", "query", sql, "--json"))
    pending = json.loads(stack.holdfast("log", "count", "--model", "flight_delay", "--json"))
    assert counted["n"] == counted["ids"] <= pending["predictions"]
    assert pending["predictions"] >= int(answered[1].replace(",", "")) > 500


def test_a_logged_prediction_replays_to_the_same_bits(stack: RunningStack) -> None:
    """The features and the version on record give the score on record."""
    (last,) = json.loads(stack.holdfast("log", "tail", "-n", "1", "--json"))
    assert "same" in stack.holdfast("replay", last["prediction_id"])


def test_status_says_what_runs_and_what_serves(stack: RunningStack) -> None:
    """Every program runs, and every replica serves the plan's revision."""
    status = stack.status()
    running = {program["name"] for program in status["programs"] if program["running"]}
    assert running == {"gateway", "mlflow", "prefect", "worker", "supervisor"}
    models = {model["model"]: model for model in status["models"]}
    assert set(models) == {"flight_delay", "breast_cancer"}
    for model in models.values():
        assert model["champion"] is not None
        assert model["replicas_ready"] == model["replicas"] == 1


def test_a_model_added_as_three_files_is_served_beside_the_first(stack: RunningStack) -> None:
    """The engine was not touched, and both models answer."""
    row = {"sample": 7, "mean_radius": 14.0, "mean_texture": 20.0, "mean_area": 600.0}
    answer = httpx.post(f"http://{stack.http}/v2/models/breast_cancer/predict", json={"rows": [row]}, timeout=30)
    assert answer.status_code == 200, answer.text
    ready = httpx.get(f"http://{stack.http}/v2/models/flight_delay/ready", timeout=30)
    assert ready.status_code == 200, ready.text


def test_nothing_is_written_beside_the_state_folder(stack: RunningStack) -> None:
    """No stray mlruns, no database in the working folder."""
    left = {path.name for path in stack.project.iterdir()}
    assert left == {
        *("lifecycle", "stores", "feature_repo", "expectations", "serving", "flows", "console", "policies"),
        "prefect.yaml",
    }


def test_a_taken_port_is_named_before_anything_starts(stack: RunningStack) -> None:
    """A second state folder on the first one's ports is told which setting to change."""
    environment = {**stack.environment, "HOLDFAST_HOME": f"{stack.home}2"}
    other = RunningStack(stack.project, environment, "")
    with pytest.raises(AssertionError, match="HOLDFAST_HTTP_PORT is"):
        other.holdfast("run", "--model", "flight_delay")
