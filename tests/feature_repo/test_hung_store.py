"""An online store that hangs: who reads waits for it, and nobody else does."""

import os
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from feature_repo.feast_store import open_feature_store
from feature_repo.online import OnlineFeatures
from lifecycle.errors import Unavailable
from tests.feature_repo.shops import NOON, SHOPS, ask
from tests.holding import held
from tests.redis_server import redis_server

if TYPE_CHECKING:
    from feast import FeatureStore

MOMENT = NOON + timedelta(minutes=5)
HELD_SECONDS = 2.0
STANDSTILL_SECONDS = 1.0
SHOP_LISTS = (("north",), ("north", "south"), ("north", "south", "west"))
"""Each is read by a statement of its own."""


def test_thread_that_reads_a_locked_file_holds_up_no_other(shops: "FeatureStore", tmp_path: Path) -> None:
    """However many read: what reads nothing goes on, and they come back when the file does."""
    online = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=time.monotonic)
    requests = [ask(*((shop, MOMENT) for shop in shop_list)) for shop_list in SHOP_LISTS]
    for request in requests:
        online.read(request)
    threads = [threading.Thread(target=online.read, args=(request,)) for request in requests]
    longest = 0.0
    with held(tmp_path / SHOPS.name / "online.db"):
        began = last = time.monotonic()
        for thread in threads:
            thread.start()
        while last < began + HELD_SECONDS:
            time.sleep(0.01)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        assert all(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert longest <= STANDSTILL_SECONDS


def test_redis_that_says_nothing_is_unavailable_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that reads comes back, and reads again once Redis does."""
    monkeypatch.setattr("feature_repo.feast_store.REDIS_SECONDS", 0.2)
    with redis_server(tmp_path) as address:
        store = open_feature_store(SHOPS, tmp_path, address)
        online = OnlineFeatures(store, SHOPS, cache_seconds=0, monotonic=time.monotonic)
        online.read(ask(("north", MOMENT)))
        (server,) = [one.pid for one in psutil.Process().children() if one.name() == "redis-server"]
        os.kill(server, signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match="online features by shop cannot be read"):
                online.read(ask(("north", MOMENT)))
        finally:
            os.kill(server, signal.SIGCONT)
        online.read(ask(("north", MOMENT)))
