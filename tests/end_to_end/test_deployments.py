"""The deployments of prefect.yaml are scheduled, and runs of them succeed on real workers."""

import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import RunningStack

pytestmark = pytest.mark.timeout(900)

SUPERVISE = "supervise"
BY_HAND = "train"
FLOWS = {
    "ingest",
    "readmit",
    "materialize",
    "retrain",
    "measure",
    "watch",
    "maintain",
    "check_parity",
    "recalibrate",
    "review",
}
RUN_SECONDS = 300.0


def test_a_scheduled_run_of_every_deployment_succeeds(stack: RunningStack) -> None:
    """Prefect's own scheduler made the runs; only their hour is brought forward."""
    with httpx.Client(base_url=stack.prefect, timeout=30) as prefect:
        deployments = _deployments(prefect)
        assert set(deployments) == {*FLOWS, BY_HAND, SUPERVISE}
        runs = {name: _scheduled_run(prefect, deployments[name]) for name in FLOWS}
        for run in runs.values():
            _start_now(prefect, run)
        ended = {name: _wait(prefect, run) for name, run in runs.items()}
    assert ended == dict.fromkeys(FLOWS, "COMPLETED"), (stack.home / "run" / "worker.log").read_text()[-4000:]


def test_supervise_is_always_one(stack: RunningStack) -> None:
    """One run goes on, and those of the minutes after it are cancelled instead of waiting for its end."""
    with httpx.Client(base_url=stack.prefect, timeout=30) as prefect:
        deployment = _deployments(prefect)[SUPERVISE]
        deadline = time.monotonic() + RUN_SECONDS
        found: list[str] = []
        while time.monotonic() < deadline and not {"RUNNING", "CANCELLED"} <= set(found):
            time.sleep(1)
            wanted = {"deployments": {"id": {"any_": [deployment]}}}
            runs = prefect.post("/flow_runs/filter", json=wanted).raise_for_status().json()
            found = [run["state_type"] for run in runs]
            assert found.count("RUNNING") <= 1
    assert {"RUNNING", "CANCELLED"} <= set(found), (stack.home / "run" / "supervisor.log").read_text()[-4000:]
    assert not {"FAILED", "CRASHED", "COMPLETED"} & set(found)


def test_an_alarm_that_asks_for_retraining_starts_the_flow_once(stack: RunningStack) -> None:
    """The event carries model, cause and reason into the run, and one with the same key starts nothing more."""
    ask = "from flows.retraining.asking import ask_for_retraining as ask; " + "; ".join(
        ["ask('breast_cancer', 'drift', 'radius has moved', 'an-alarm')"] * 2
    )
    environment = {**stack.environment, "PREFECT_API_URL": stack.prefect}
    with httpx.Client(base_url=stack.prefect, timeout=30) as prefect:
        deployment = _deployments(prefect)["retrain"]
        subprocess.run([sys.executable, "-c", ask], cwd=stack.project, env=environment, check=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _asked(prefect, deployment, "an-alarm"):
            time.sleep(1)
        # Whatever the second one starts comes within seconds of the first.
        time.sleep(5)
        asked = _asked(prefect, deployment, "an-alarm")
    assert asked == [{"model": "breast_cancer", "cause": "drift", "reason": "radius has moved", "key": "an-alarm"}]


def _asked(prefect: httpx.Client, deployment: str, key: str) -> list[dict[str, Any]]:
    """Return the parameters of a deployment's runs that were started with a key."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}}
    runs = prefect.post("/flow_runs/filter", json=wanted).raise_for_status().json()
    return [run["parameters"] for run in runs if run["parameters"].get("key") == key]


def _deployments(prefect: httpx.Client) -> dict[str, str]:
    found = prefect.post("/deployments/filter", json={}).raise_for_status().json()
    flows = {flow["id"]: flow["name"] for flow in prefect.post("/flows/filter", json={}).raise_for_status().json()}
    return {flows[deployment["flow_id"]]: deployment["id"] for deployment in found}


def _scheduled_run(prefect: httpx.Client, deployment: str) -> str:
    wanted = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_DESC",
    }
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs: list[dict[str, Any]] = prefect.post("/flow_runs/filter", json=wanted).raise_for_status().json()
        scheduled = [run for run in runs if run["auto_scheduled"]]
        if scheduled:
            return str(scheduled[0]["id"])
        time.sleep(1)
    raise AssertionError(f"the scheduler made no run of deployment {deployment}")


def _start_now(prefect: httpx.Client, run: str) -> None:
    body = {"state": {"type": "SCHEDULED", "state_details": {}}, "force": True}
    prefect.post(f"/flow_runs/{run}/set_state", json=body).raise_for_status()


def _wait(prefect: httpx.Client, run: str) -> str:
    deadline = time.monotonic() + RUN_SECONDS
    state = "never looked"
    while time.monotonic() < deadline:
        state = prefect.get(f"/flow_runs/{run}").raise_for_status().json()["state_type"]
        if state in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return str(state)
        time.sleep(1)
    return f"still {state} after {RUN_SECONDS:.0f} s"
