"""The programs of one machine's stack: MLflow, Prefect's server and worker, and the gateway."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from console.environment import child_environment
from console.processes import Processes, Started, require_free_port, wait_until_up
from stores.settings import Settings

START_SECONDS = 180.0
WORK_POOLS = {"worker": ("holdfast", 1), "supervisor": ("holdfast-supervise", 2)}
"""Each worker's pool and how many runs it takes at once. Flows run one at a time, so that their memory does not add up.

`supervise` never ends for long, so it has a worker of its own. That one takes a second run only for Prefect to cancel
it, which happens when a worker picks it up: with a limit of 1 they would wait, and all begin when the first one ends.
"""


@dataclass(frozen=True)
class Program:
    """One program: its command, where it answers, and how to tell that it is up.

    `health` is an address that answers 200 once it is up; None means up as soon as it runs.
    """

    name: str
    command: Sequence[str]
    address: str
    health: str | None
    port: int | None
    setting: str


def programs(settings: Settings) -> tuple[Program, ...]:
    """Return the stack's programs in the order they start; those that run elsewhere are left out."""
    wanted = [gateway(settings)]
    if settings.mlflow_uri is None:
        wanted.append(mlflow_server(settings))
    if settings.prefect_api_url is None:
        wanted.append(prefect_server(settings))
    return tuple(wanted)


def gateway(settings: Settings) -> Program:
    """Return the serving gateway on Ray Serve; it is live before any version serves."""
    return Program(
        "gateway",
        (sys.executable, "-m", "serving.server"),
        settings.http_address,
        f"{settings.http_address}/v2/health/live",
        settings.http_port,
        "HOLDFAST_HTTP_PORT",
    )


def mlflow_server(settings: Settings) -> Program:
    """Return the MLflow server on an SQLite backend in the state folder."""
    folder = settings.home / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", settings.host, "--port", str(settings.mlflow_port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    )
    health = f"{settings.mlflow_address}/health"
    return Program("mlflow", command, settings.mlflow_address, health, settings.mlflow_port, "HOLDFAST_MLFLOW_PORT")


def prefect_server(settings: Settings) -> Program:
    """Return Prefect's API server, scheduler and UI."""
    command = (
        *(sys.executable, "-m", "prefect", "server", "start"),
        *("--host", settings.host, "--port", str(settings.prefect_port)),
    )
    address = settings.prefect_address.removesuffix("/api")
    health = f"{settings.prefect_address}/health"
    return Program("prefect", command, address, health, settings.prefect_port, "HOLDFAST_PREFECT_PORT")


def prefect_workers(settings: Settings) -> tuple[Program, ...]:
    """Return the workers that run scheduled flows as processes."""
    start = (sys.executable, "-m", "prefect", "worker", "start", "--type", "process")
    return tuple(
        Program(name, (*start, "--pool", pool, "--limit", str(limit)), settings.prefect_address, None, None, "")
        for name, (pool, limit) in WORK_POOLS.items()
    )


class Stack:
    """Starts what is not running yet, and stops what it started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes = Processes(settings.run)

    def start(self, wanted: Sequence[Program], on_up: Callable[[Program], None]) -> None:
        """Start the given programs side by side and return when all are up.

        Raises SettingInvalid for a taken port before anything is started, and Unavailable with the
        end of its log for a program that does not come up.
        """
        missing = [program for program in wanted if self._processes.running(program.name) is None]
        for program in missing:
            if program.port is not None:
                require_free_port(self._settings.host, program.port, program.setting)
        environment = child_environment(self._settings)
        started = [self._launch(program, environment) for program in missing]
        for program, process in zip(missing, started, strict=True):
            wait_until_up(process, _check(program), START_SECONDS)
            on_up(program)

    def stop(self) -> Iterator[tuple[Started, bool]]:
        """Stop everything recorded, last started first; yield each with whether it was running."""
        known = sorted(self._processes.all(), key=lambda started: started.created_at, reverse=True)
        for started in known:
            yield started, self._processes.stop(started)

    def running(self) -> tuple[Started, ...]:
        """Return the programs of this state folder that run."""
        return tuple(started for started in self._processes.all() if started.process() is not None)

    def _launch(self, program: Program, environment: Mapping[str, str]) -> Started:
        return self._processes.start(program.name, program.command, environment, program.address)


def _check(program: Program) -> Callable[[], bool]:
    if program.health is None:
        return lambda: True
    address = program.health

    def is_up() -> bool:
        try:
            return httpx.get(address, timeout=2).is_success
        except httpx.TransportError:
            return False

    return is_up


def project_root() -> Path:
    """Return the folder that holds prefect.yaml, flows/ and the rest."""
    return Path(__file__).resolve().parent.parent
