"""One real stack for all end-to-end tests: MLflow, Prefect with a worker, and the gateway, on free ports.

It runs a copy of the project to which a second model was added as three new files and nothing else.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
SECOND_MODEL = Path(__file__).parent / "second_model"
PARTS = (
    "lifecycle",
    "stores",
    "feature_repo",
    "expectations",
    "serving",
    "flows",
    "console",
    "policies",
    "prefect.yaml",
)
HISTORY_DAYS = 21
RAY_BLOCK = 100
LESS_HISTORY = {
    "window_days: 90": f"window_days: {HISTORY_DAYS}",
    "validation_days: 31": "validation_days: 5",
}


@dataclass(frozen=True)
class RunningStack:
    """A stack that serves both models, and how to talk to it."""

    project: Path
    environment: dict[str, str]
    played: str

    @property
    def home(self) -> Path:
        """The state folder."""
        return Path(self.environment["HOLDFAST_HOME"])

    @property
    def http(self) -> str:
        """Host and port of the prediction endpoint."""
        return f"127.0.0.1:{self.environment['HOLDFAST_HTTP_PORT']}"

    @property
    def prefect(self) -> str:
        """Address of the Prefect API."""
        return f"http://127.0.0.1:{self.environment['HOLDFAST_PREFECT_PORT']}/api"

    def holdfast(self, *arguments: str) -> str:
        """Run the command and return what it printed; a failure shows both streams."""
        done = subprocess.run(
            [sys.executable, "-m", "console.cli", *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"holdfast {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return `holdfast status --json`."""
        status: dict[str, Any] = json.loads(self.holdfast("status", "--json"))
        return status


@pytest.fixture(scope="package")
def stack() -> Iterator[RunningStack]:
    """Both models learned, gated and served; the first one with a day of live traffic behind it."""
    # Ray's socket paths are short of room, so the folder's name is, too.
    folder = Path(tempfile.mkdtemp(prefix="hf"))
    running = RunningStack(_copy_project(folder / "p"), _environment(folder), "")
    try:
        short = ("--history-days", str(HISTORY_DAYS), "--live-days", "1", "--no-challengers")
        played = running.holdfast("run", "--model", "flight_delay", *short)
        played += running.holdfast("run", "--model", "breast_cancer", "--history-days", "25", "--live-days", "0")
        yield RunningStack(running.project, running.environment, played)
    finally:
        running.holdfast("stop")
        shutil.rmtree(folder)


def _copy_project(project: Path) -> Path:
    project.mkdir()
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / part)
    policy = project / "policies" / "flight_delay.yaml"
    text = policy.read_text()
    for full, short in LESS_HISTORY.items():
        assert full in text
        text = text.replace(full, short)
    policy.write_text(text)
    added = [path.relative_to(SECOND_MODEL) for path in SECOND_MODEL.rglob("*") if path.is_file()]
    for path in added:
        assert not (project / path).exists(), f"{path} would overwrite a file of the engine"
        (project / path).parent.mkdir(exist_ok=True)
        shutil.copy(SECOND_MODEL / path, project / path)
    return project


def _environment(folder: Path) -> dict[str, str]:
    http, mlflow, prefect = _free_ports(3)
    ours = {
        "HOLDFAST_HOME": str(folder / "h"),
        "HOLDFAST_POLICIES": str(folder / "p" / "policies"),
        "HOLDFAST_HTTP_PORT": str(http),
        "HOLDFAST_MLFLOW_PORT": str(mlflow),
        "HOLDFAST_PREFECT_PORT": str(prefect),
        "HOLDFAST_RAY_PORT_BASE": str(_free_block()),
        "PYTHONPATH": str(folder / "p"),
        "COLUMNS": "200",
    }
    return {**{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}, **ours}


def _free_block() -> int:
    """Return the first port of a block that nothing listens in; Ray Serve lays out its own ports from there."""
    for base in range(20_000, 30_000, RAY_BLOCK):
        probes = [socket.socket() for _ in range(RAY_BLOCK)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return base
    raise AssertionError("no free block of ports")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
