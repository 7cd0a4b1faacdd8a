"""The servers that are compared, each in processes of its own, all up at once and loaded in turn."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from console.processes import Processes, Started, wait_until_up
from stores.settings import Settings
from stores.versions import Versions
from tests.bench.serving.home import MODEL, champion_of, environment_of

START_SECONDS = 120.0
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Server:
    """One server: how it starts, what is set for it alone, and where it says that it is ready."""

    name: str
    command: Sequence[str]
    ready: str
    variables: Mapping[str, str] = field(default_factory=dict)


def holdfast(chosen: Settings) -> Server:
    """Return Holdfast's gateway, ready once the champion has reproduced its own example."""
    ready = f"{chosen.http_address}/v2/models/{MODEL}/ready"
    return Server("gateway", (sys.executable, "-m", "serving.server"), ready)


def hand_written(chosen: Settings, port: int) -> Server:
    """Return the hand-written server on the champion as a pyfunc model and the same online features."""
    options = (
        *("--features", str(chosen.features), "--model", str(_pyfunc(chosen))),
        *("--log", str(chosen.home / "hand-written.jsonl"), "--port", str(port)),
    )
    command = (sys.executable, "-m", "tests.bench.serving.hand_written", *options)
    # One thread per predict, as the others have. By default XGBoost takes one per core behind pyfunc, which made
    # this server ten times slower whenever the cores had other work.
    return Server("hand-written", command, f"http://127.0.0.1:{port}/health", {"OMP_NUM_THREADS": "1"})


def bare_model(chosen: Settings, port: int) -> Server:
    """Return the server around the champion's booster alone."""
    files = Versions(chosen.versions, None).open(MODEL, champion_of(chosen))
    options = ("--model-file", str(files.folder / files.manifest.model_file), "--port", str(port))
    command = (sys.executable, "-m", "tests.bench.serving.bare_model", *options)
    return Server("bare-model", command, f"http://127.0.0.1:{port}/health")


@contextmanager
def running(chosen: Settings, servers: Sequence[Server]) -> Iterator[dict[str, Started]]:
    """Start servers side by side, yield them by name once all are ready, and stop them after the block.

    Raises Unavailable with the end of its log for a server that does not come up.
    """
    processes = Processes(chosen.run)
    environment = environment_of(chosen)
    try:
        started = {
            server.name: processes.start(server.name, server.command, {**environment, **server.variables}, server.ready)
            for server in servers
        }
        for server in servers:
            wait_until_up(started[server.name], _is_ready(server.ready), START_SECONDS)
        yield started
    finally:
        for one in processes.all():
            processes.stop(one)


def memory_mb(started: Started) -> float:
    """Return the memory a server and all its processes hold; pages they share count once where Linux can tell."""
    process = psutil.Process(started.pid)
    family = [process, *process.children(recursive=True)]
    held = [one.memory_full_info() for one in family]
    return sum(getattr(info, "pss", info.rss) for info in held) / MEGABYTE


def _pyfunc(chosen: Settings) -> Path:
    import mlflow.xgboost  # noqa: PLC0415 - MLflow takes seconds to import
    import xgboost  # noqa: PLC0415 - as above

    files = Versions(chosen.versions, None).open(MODEL, champion_of(chosen))
    folder = chosen.home / "pyfunc"
    booster = xgboost.Booster(model_file=files.folder / files.manifest.model_file)
    mlflow.xgboost.save_model(booster, str(folder), model_format="ubj", pip_requirements=["mlflow", "xgboost"])
    return folder


def _is_ready(address: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return httpx.get(address, timeout=2).is_success
        except httpx.TransportError:
            return False

    return ready
