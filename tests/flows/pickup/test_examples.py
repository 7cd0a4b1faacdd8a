"""The scripts of docs/registering-a-model.md, run as a data scientist runs them, and what follows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flows.pickup.picking import Desk, pick_up
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from stores.clock import SystemClock
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.registry import Registry
from tests.flows import toy
from tests.flows.pickup.made import frame
from tests.stores.test_registry import free_port, wait_until_up

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Return the toy's policy."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    return load_policy(folder, "toy")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an MLflow server."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            wait_until_up(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=30)


@pytest.mark.parametrize(
    ("script", "format_name"),
    [
        ("register_sklearn.py", "sklearn-skops"),
        ("register_xgboost.py", "xgboost-ubj"),
        ("register_onnx.py", "onnx"),
    ],
)
def test_script_that_imports_nothing_of_ours_is_admitted(
    server: str, policy: Policy, tmp_path: Path, script: str, format_name: str
) -> None:
    """From a file of features to an admitted version, by MLflow's own functions on a real server."""
    source = (EXAMPLES / script).read_text(encoding="utf-8")
    assert not [name for name in ("lifecycle", "stores", "flows", "serving", "feature_repo") if f"{name}." in source]
    examples = frame(400, toy.DEFINITION.vector).astype(np.float32)
    examples["label"] = (examples["level"] > 0).astype(int)
    examples["example_id"], examples["event_timestamp"], examples["label_known_at"] = "a", toy.START, toy.END
    examples.to_parquet(tmp_path / "features.parquet")
    subprocess.run(
        [sys.executable, str(EXAMPLES / script), str(tmp_path / "features.parquet"), server, "toy"],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": ""},
    )
    desk = Desk(
        toy.DEFINITION, policy, Registry(server), open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"), SystemClock()
    )
    pick_up("toy", desk)
    newest = Registry(server).versions("toy")[-1]
    standing = Standings(desk.engine).get("toy", newest)
    (decision, *_) = [one for one in Decisions(desk.engine).of("toy") if one.version == newest]
    assert (decision.action, decision.reason[:9]) == ("admit", f"Version {newest}"[:9])
    assert standing.manifest is not None
    assert standing.manifest.format == format_name
    assert standing.stage is Stage.REGISTERED
