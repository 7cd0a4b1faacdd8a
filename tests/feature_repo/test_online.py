"""Online reads: what was pushed, unless it is unknown or too old; each entity asked for once."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from feature_repo.online import OnlineFeatures
from feature_repo.push import push_latest
from feature_repo.vector import assemble
from lifecycle.errors import Unavailable
from tests.feature_repo.shops import NOON, SHOPS, ask, sales

if TYPE_CHECKING:
    from feast import FeatureStore

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Seconds:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self.now


def _push(store: "FeatureStore", *events: tuple[str, float]) -> None:
    frame = sales(*((shop, NOON, amount) for shop, amount in events))
    for view in SHOPS.views:
        push_latest(store, view, view.build({"sales": frame}, NOON - HOUR, NOON + HOUR))


@pytest.fixture
def clock() -> Seconds:
    """A clock at zero."""
    return Seconds()


def test_batch_gets_each_rows_features_in_the_order_of_the_rows(shops: "FeatureStore", clock: Seconds) -> None:
    """Also with repeated, unknown and missing entities."""
    _push(shops, ("north", 3.0), ("south", 0.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=clock)
    moment = NOON + timedelta(minutes=5)
    found = online.read(ask(("south", moment), ("west", moment), ("north", moment), (None, moment), ("south", moment)))
    np.testing.assert_equal(found.values["last_amount"], [0.0, np.nan, 3.0, np.nan, 0.0])
    np.testing.assert_equal(found.values["floors"], [2.0, np.nan, 2.0, np.nan, 2.0])
    stamp = (NOON + SECOND).timestamp()
    np.testing.assert_equal(found.event_at["shop_sales"], [stamp, np.nan, stamp, np.nan, stamp])


def test_row_is_stale_past_its_views_limit_and_not_before(shops: "FeatureStore", clock: Seconds) -> None:
    """Judged at the prediction moment, per view; the stale row's age stays known."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=clock)
    limit = NOON + SECOND + HOUR
    found = online.read(ask(("north", limit), ("north", limit + SECOND)))
    np.testing.assert_equal(found.values["last_amount"], [3.0, np.nan])
    np.testing.assert_equal(found.values["last_tax"], [0.75, np.nan])
    np.testing.assert_equal(found.values["floors"], [2.0, 2.0])
    assert found.event_at["shop_sales"].tolist() == [(NOON + SECOND).timestamp()] * 2


def test_row_of_after_the_moment_is_missing_unless_only_clocks_differ(shops: "FeatureStore", clock: Seconds) -> None:
    """Who asks for a moment that has passed must not be answered from its future; what was found stays known."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=clock)
    stamp = NOON + SECOND
    moments = (stamp, stamp - 5 * SECOND, stamp - 6 * SECOND, stamp - 24 * HOUR)
    request = ask(*(("north", moment) for moment in moments))
    found = online.read(request)
    np.testing.assert_equal(found.values["last_amount"], [3.0, 3.0, np.nan, np.nan])
    np.testing.assert_equal(found.values["floors"], [2.0, 2.0, np.nan, np.nan])
    assert found.event_at["shop_sales"].tolist() == [stamp.timestamp()] * 4
    marked = assemble(SHOPS, request, found.values).defaulted
    assert marked[:, SHOPS.vector.index("last_amount")].tolist() == [False, False, True, True]


def test_unknown_and_stale_rows_are_served_by_marked_defaults(shops: "FeatureStore", clock: Seconds) -> None:
    """From the read through to the vector."""
    _push(shops, ("north", 3.0))
    request = ask(("north", NOON + 2 * HOUR), ("west", NOON + HOUR))
    found = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=clock).read(request)
    assembled = assemble(SHOPS, request, found.values)
    assert assembled.matrix.tolist() == [[14.0, 7.0, -1.0, 2.0], [13.0, 7.0, -1.0, 1.0]]
    assert assembled.defaulted.tolist() == [[False, True, True, False], [False, True, True, True]]


def test_row_is_kept_for_the_cache_time_and_then_read_again(shops: "FeatureStore", clock: Seconds) -> None:
    """A push shows after at most `cache_seconds`."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10, monotonic=clock)
    request = ask(("north", NOON + HOUR))
    seen = []
    for now, pushed in ((0.0, 4.0), (9.9, 5.0), (10.0, 6.0)):
        clock.now = now
        seen.append(online.read(request).values["last_amount"][0])
        _push(shops, ("north", pushed))
    assert seen == [3.0, 3.0, 5.0]


def test_reading_does_not_change_what_is_kept(shops: "FeatureStore", clock: Seconds) -> None:
    """A stale answer for an early request leaves the kept row whole for the next."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10, monotonic=clock)
    assert np.isnan(online.read(ask(("north", NOON + 2 * HOUR))).values["last_amount"][0])
    assert online.read(ask(("north", NOON + HOUR))).values["last_amount"][0] == 3.0


def test_kept_rows_are_bounded(shops: "FeatureStore", clock: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lapsed rows go when many have gathered, so a gateway's memory does not grow with every entity ever seen."""
    monkeypatch.setattr("feature_repo.kept_rows.MOST_KEPT", 3)
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10, monotonic=clock)
    for step in range(20):
        clock.now = 11.0 * step
        online.read(ask((f"shop {step}", NOON), (f"store {step}", NOON)))
    assert all(len(group._kept._rows) <= 4 for group in online._groups)


def test_unreachable_store_is_unavailable(shops: "FeatureStore", clock: Seconds) -> None:
    """The library's own error stays its cause; what is kept is still served."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10, monotonic=clock)
    online.read(ask(("north", NOON)))
    with closing(sqlite3.connect(shops.config.online_store.path)) as connection:
        connection.execute("DROP TABLE shops_shop_sales")
    assert online.read(ask(("north", NOON))).values["floors"].tolist() == [2.0]
    with pytest.raises(Unavailable, match="online features by shop cannot be read: no such table"):
        online.read(ask(("south", NOON)))


def test_what_is_kept_is_recalled_as_it_was_read_and_no_longer(shops: "FeatureStore", clock: Seconds) -> None:
    """Whoever recalls must never wait for a store: one row that is not kept, or lapsed, and there is nothing."""
    _push(shops, ("north", 3.0), ("south", 0.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=2, monotonic=clock)
    moment = NOON + timedelta(minutes=5)
    request = ask(("south", moment), (None, moment), ("north", moment))
    assert online.recall(request) is None
    read = online.read(request)
    clock.now = 1.9
    recalled = online.recall(request)
    assert recalled is not None
    for name, column in read.values.items():
        np.testing.assert_equal(recalled.values[name], column)
    for name, column in read.event_at.items():
        np.testing.assert_equal(recalled.event_at[name], column)
    assert online.recall(ask(("north", moment), ("west", moment))) is None
    clock.now = 2.0
    assert online.recall(request) is None


def test_nothing_is_recalled_where_nothing_is_kept(shops: "FeatureStore", clock: Seconds) -> None:
    """A policy that reads every feature anew."""
    online = OnlineFeatures(shops, SHOPS, cache_seconds=0, monotonic=clock)
    request = ask(("north", NOON))
    online.read(request)
    assert online.recall(request) is None


def _reads_of(online: OnlineFeatures, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    reads: list[set[str]] = []
    group = online._groups[0]
    fetch = group._fetch

    def counted(keys: list[str]) -> object:
        reads.append(set(keys))
        return fetch(keys)

    monkeypatch.setattr(group, "_fetch", counted)
    return reads


def test_rows_that_lapse_soon_are_read_before_anybody_waits_for_them(
    shops: "FeatureStore", clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were asked for again, once."""
    _push(shops, ("north", 3.0), ("south", 1.0), ("west", 2.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10.0, monotonic=clock)
    reads = _reads_of(online, monkeypatch)
    for now, shop in ((0.0, "north"), (4.0, "south"), (4.0, "west"), (5.0, "south"), (9.0, "north")):
        clock.now = now
        online.read(ask((shop, NOON)))
    online.refresh()
    assert reads == [{"north"}, {"south"}, {"west"}, {"north"}]
    clock.now = 12.0
    online.refresh()
    assert reads[4:] == [{"south"}]
    clock.now = 18.0
    online.read(ask(("north", NOON), ("south", NOON)))
    assert len(reads) == 5
    online.read(ask(("west", NOON)))
    assert reads[5:] == [{"west"}]


def test_more_rows_than_one_read_takes_are_read_a_few_at_a_time(
    shops: "FeatureStore", clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for another row gets its turn in between."""
    monkeypatch.setattr("feature_repo.online.MOST_AHEAD", 2)
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10.0, monotonic=clock)
    wanted = ask(*((f"shop {number}", NOON) for number in range(5)))
    online.read(wanted)
    online.read(wanted)
    reads = _reads_of(online, monkeypatch)
    clock.now = 8.0
    online.refresh()
    assert sorted(map(len, reads)) == [1, 2, 2]
    assert set.union(*reads) == {f"shop {number}" for number in range(5)}


def test_many_rows_that_were_asked_for_once_keep_no_other_from_being_read_again(
    shops: "FeatureStore", clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many lie before it, lapsed or not."""
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10.0, monotonic=clock)
    online.read(ask(*((f"once {number}", NOON) for number in range(1500))))
    clock.now = 1.0
    for _ in range(2):
        online.read(ask(("north", NOON)))
    reads = _reads_of(online, monkeypatch)
    clock.now = 9.0
    online.refresh()
    assert reads == [{"north"}]


def test_rows_that_nobody_asks_for_again_are_let_go_of(shops: "FeatureStore", clock: Seconds) -> None:
    """Once they have lapsed."""
    _push(shops, ("north", 3.0), ("south", 1.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=10.0, monotonic=clock)
    online.read(ask(("north", NOON)))
    clock.now = 11.0
    online.read(ask(("south", NOON)))
    online.refresh()
    assert set(online._groups[0]._kept._rows) == {"south"}


def test_reader_keeps_itself_fresh_until_nobody_has_it(shops: "FeatureStore") -> None:
    """Also while the store is away for a while, which whoever asks for another row is told."""
    _push(shops, ("north", 3.0))
    online = OnlineFeatures(shops, SHOPS, cache_seconds=3.0, monotonic=time.monotonic)
    others = set(threading.enumerate())
    online.keep_fresh()
    (thread,) = set(threading.enumerate()) - others
    request = ask(("north", NOON))
    online.read(request)
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        assert online.recall(request) is not None
        time.sleep(0.01)
    with closing(sqlite3.connect(shops.config.online_store.path)) as connection:
        connection.execute("ALTER TABLE shops_shop_sales RENAME TO away")
        while online.recall(request) is not None:
            time.sleep(0.01)
        connection.execute("ALTER TABLE away RENAME TO shops_shop_sales")
    online.read(request)
    assert thread.is_alive()
    del online
    thread.join(10.0)
    assert not thread.is_alive()
