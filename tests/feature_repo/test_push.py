"""The online store holds an entity's newest row, whatever order rows arrive in."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feature_repo.feast_store import open_feature_store
from feature_repo.push import push_latest
from tests.feature_repo.shops import NOON, SHOPS, sales

if TYPE_CHECKING:
    from feast import FeatureStore

VIEW = SHOPS.views[0]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of our own on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
    server = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"))
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> "FeatureStore":
    """An empty store of each kind."""
    online = "sqlite" if request.param == "sqlite" else request.getfixturevalue("redis_address")
    return open_feature_store(SHOPS, tmp_path, online)


def _push(store: "FeatureStore", *events: tuple[str, int, float]) -> int:
    frame = sales(*((shop, NOON + hours * HOUR, amount) for shop, hours, amount in events))
    return push_latest(store, VIEW, VIEW.build({"sales": frame}, NOON - DAY, NOON + DAY))


def _amounts(store: "FeatureStore", *shops: str) -> list[float | None]:
    answer = store.get_online_features(features=["shop_sales:last_amount"], entity_rows={"shop": list(shops)})
    amounts: list[float | None] = answer.to_dict()["last_amount"]
    return amounts


def test_newest_row_wins_and_an_older_push_changes_nothing(store: "FeatureStore") -> None:
    """In one push, in a later push of an older row, and per entity."""
    assert _push(store, ("north", 2, 20.0), ("north", 1, 10.0), ("south", 1, 1.0)) == 2
    assert _amounts(store, "north", "south", "west") == [20.0, 1.0, None]
    assert _push(store, ("north", 0, -5.0), ("south", 3, 3.0)) == 1
    assert _amounts(store, "north", "south") == [20.0, 3.0]
    assert _push(store, ("north", 1, -5.0)) == 0
    assert _amounts(store, "north") == [20.0]


def test_row_of_the_same_moment_is_a_correction(shops: "FeatureStore") -> None:
    """A window that is built anew may bring a better value."""
    _push(shops, ("north", 1, 10.0))
    assert _push(shops, ("north", 1, 11.0)) == 1
    assert _amounts(shops, "north") == [11.0]


def test_nothing_to_push_is_no_error(shops: "FeatureStore") -> None:
    """Neither without rows nor with rows that say nothing; Feast would warn of both."""
    assert _push(shops) == 0
    assert _push(shops, ("north", 1, float("nan"))) == 0
    assert _amounts(shops, "north") == [None]
