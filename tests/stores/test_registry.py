"""The registry on a real MLflow: a database for one process, and a server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from lifecycle.errors import ArtifactInvalid, NotFound, SettingInvalid, Unavailable
from stores.registry import Registry, VersionRecord
from stores.versions import Versions, read_version
from tests.stores.artifacts import write_version

START_SECONDS = 90


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an MLflow server of this test's own."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            wait_until_up(address)
            yield address
        finally:
            running.terminate()
            running.wait(timeout=30)


def wait_until_up(address: str) -> None:
    """Return when the server answers; raise TimeoutError when it never does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{address}/health", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"no MLflow server at {address}")


@pytest.fixture(scope="module", params=["database", "server"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Return a registry on each kind of address."""
    if request.param == "server":
        return Registry(request.getfixturevalue("server"))
    folder = tmp_path_factory.mktemp("database")
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", artifacts=folder / "artifacts")


@pytest.fixture(scope="module")
def version(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a version of `toy` that was registered."""
    folder = tmp_path_factory.mktemp("made")
    write_version(folder / "version")
    (folder / "figures").mkdir()
    (folder / "figures" / "one.json").write_text("{}", encoding="utf-8")
    return registry.register(
        VersionRecord(
            model="toy",
            folder=folder / "version",
            figures=folder / "figures",
            parameters={"max_depth": "6"},
            metrics={"candidate/auc": 0.7} | {f"slice/{number}": float(number) for number in range(600)},
            tags={"stage": "registered", "data_sha256": "0" * 64},
        )
    )


def test_registered_version_comes_back_whole(registry: Registry, version: str, tmp_path: Path) -> None:
    """What a replica fetches is what training stored, file for file."""
    files = Versions(tmp_path, registry).open("toy", version)
    assert files == read_version(tmp_path / "toy" / version, "toy")
    assert registry.tags("toy", version) == {"stage": "registered", "data_sha256": "0" * 64}


def test_tags_and_aliases_are_set_for_people(registry: Registry, version: str) -> None:
    """A tag is replaced, an alias points where it was last put."""
    registry.set_tag("toy", version, "stage_reason", "one")
    registry.set_tag("toy", version, "stage_reason", "two")
    registry.set_alias("toy", "champion", version)
    assert registry.tags("toy", version)["stage_reason"] == "two"
    assert registry.aliased("toy", "champion") == version


def test_versions_are_listed_oldest_first(registry: Registry, version: str) -> None:
    """A model without versions has none, which is no error."""
    assert registry.versions("toy")[0] == version
    assert registry.versions("nobody") == ()


def test_size_is_known_before_anything_is_fetched(registry: Registry, version: str, tmp_path: Path) -> None:
    """The bytes of all files, as they are when fetched."""
    folder = registry.fetch("toy", version, tmp_path)
    assert registry.size("toy", version) == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_listing_shows_tags_and_readiness(registry: Registry, version: str) -> None:
    """One question tells who is there and what is said of each."""
    (listed,) = (one for one in registry.listed("toy") if one.version == version)
    assert listed.ready
    assert listed.tags["data_sha256"] == "0" * 64


def test_alias_that_is_taken_away_is_gone(registry: Registry, version: str) -> None:
    """And taking it away again is no error; an unknown model has none."""
    registry.set_alias("toy", "shadow", version)
    assert registry.aliases("toy")["shadow"] == version
    for _ in range(2):
        registry.remove_alias("toy", "shadow")
    assert "shadow" not in registry.aliases("toy")
    assert registry.aliases("nobody") == {}


@pytest.mark.parametrize("ask", ["fetch", "tags", "set_tag", "set_alias", "aliased"])
def test_unknown_version_is_not_found(registry: Registry, version: str, tmp_path: Path, ask: str) -> None:
    """Every question about a version that is not there ends in one kind of error."""
    asked: dict[str, Callable[[], object]] = {
        "fetch": lambda: registry.fetch("toy", "99", tmp_path),
        "tags": lambda: registry.tags("toy", "99"),
        "set_tag": lambda: registry.set_tag("toy", "99", "a", "b"),
        "set_alias": lambda: registry.set_alias("toy", "champion", "99"),
        "aliased": lambda: registry.aliased("nobody", "champion"),
    }
    with pytest.raises(NotFound):
        asked[ask]()


def test_dead_server_is_unavailable_within_seconds(tmp_path: Path) -> None:
    """Not after the four minutes that MLflow's own retries take."""
    dead = Registry(f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()
    with pytest.raises(Unavailable, match="Is MLflow running"):
        dead.fetch("toy", "1", tmp_path)
    assert time.monotonic() - started < 15


def test_database_without_a_folder_for_artifacts_registers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow would put them into ./mlruns, wherever the process stands."""
    monkeypatch.chdir(tmp_path)
    write_version(tmp_path / "version")
    bare = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(SettingInvalid, match="no folder for artifacts"):
        bare.register(VersionRecord(model="toy", folder=tmp_path / "version"))
    assert not (tmp_path / "mlruns").exists()


def test_lost_files_are_told_apart_from_a_lost_server(tmp_path: Path) -> None:
    """A version whose artifacts were deleted cannot be trusted; asking again later will not help."""
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", artifacts=tmp_path / "artifacts")
    write_version(tmp_path / "version")
    version = registry.register(VersionRecord(model="toy", folder=tmp_path / "version"))
    for path in sorted((tmp_path / "artifacts").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(ArtifactInvalid, match="register the version anew"):
        registry.fetch("toy", version, tmp_path / "into")
