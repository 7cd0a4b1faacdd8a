"""A state folder of the benchmark's own, in which a champion stands: copied from yours, or taught anew."""

import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import sample

from rich.console import Console

from console.environment import child_environment
from lifecycle.errors import EvidenceMissing
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings

MODEL = "flight_delay"
HISTORY_DAYS = 90
PORT_BLOCKS = range(20_000, 32_000, 200)
PORTS_IN_A_BLOCK = 120


def prepare_home(folder: Path, standing: Settings, terminal: Console) -> Settings:
    """Return settings on a folder in which the model has a champion, on ports that nobody uses.

    Nothing is served from `standing`, so that the benchmark's requests never reach its prediction log.
    Raises EvidenceMissing when no champion can be trained.
    """
    chosen = Settings(home=folder, policies=standing.policies)
    if _has_champion(standing):
        terminal.print(f"Measuring the champion of {standing.home}, copied")
        _copy(standing, chosen)
    else:
        terminal.print(f"No champion in {standing.home} yet: training one on {HISTORY_DAYS} days of events")
        _teach(chosen)
    ports = _free_block()
    return chosen.model_copy(update={"http_port": ports, "ray_port_base": ports + 10})


def environment_of(chosen: Settings) -> Mapping[str, str]:
    """Return the environment of the benchmark's programs; none of them needs MLflow or Prefect."""
    ours = {
        "HOLDFAST_HTTP_PORT": str(chosen.http_port),
        "HOLDFAST_RAY_PORT_BASE": str(chosen.ray_port_base),
    }
    # The flows of a fresh folder run against a Prefect of their own, inside the process.
    return {name: value for name, value in child_environment(chosen).items() if name != "PREFECT_API_URL"} | ours


def champion_of(chosen: Settings) -> str:
    """Return the version that serves; raises EvidenceMissing when there is none."""
    champion = Plans(open_ledger(chosen.ledger_address)).current(MODEL).champion
    if champion is None:
        raise EvidenceMissing(f"no version of {MODEL} passed the offline gate in {chosen.home}")
    return champion


def _has_champion(standing: Settings) -> bool:
    on_files = standing.ledger_url is None and standing.online_store == "sqlite"
    if not on_files or not (standing.home / "ledger.db").exists():
        return False
    return Plans(open_ledger(standing.ledger_address)).current(MODEL).champion is not None


def _copy(standing: Settings, chosen: Settings) -> None:
    shutil.copytree(standing.versions, chosen.versions)
    for name in ("ledger.db", f"features/{MODEL}/online.db"):
        (chosen.home / name).parent.mkdir(parents=True, exist_ok=True)
        # A backup is whole even while programs write to the original.
        with (
            closing(sqlite3.connect(standing.home / name)) as source,
            closing(sqlite3.connect(chosen.home / name)) as to,
        ):
            source.backup(to)


def _teach(chosen: Settings) -> None:
    environment = {**environment_of(chosen), "HOLDFAST_MLFLOW_URI": f"sqlite:///{chosen.home / 'mlflow.db'}"}
    chosen.home.mkdir(parents=True, exist_ok=True)
    log = chosen.home / "teach.log"
    with log.open("w") as errors:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.serving.teach"], env=environment, stderr=errors, check=False
        )
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise EvidenceMissing(f"no champion could be trained for the benchmark:\n{end}")


def _free_block() -> int:
    # By chance, so that two benchmarks that start together do not choose the same.
    for first in sample(PORT_BLOCKS, len(PORT_BLOCKS)):
        if all(_is_free(first + offset) for offset in range(PORTS_IN_A_BLOCK)):
            return first
    raise EvidenceMissing(f"no {PORTS_IN_A_BLOCK} free ports in a row from {PORT_BLOCKS.start} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
