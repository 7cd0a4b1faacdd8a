"""The queue before a shadow is bounded, and no row disappears from its counts."""

from threading import Thread

from serving.shadow.mirror import Mirror
from tests.serving.shadow.conftest import champion_rows


def test_full_mirror_drops_what_comes_and_counts_its_rows() -> None:
    """What waits stays, in order; what is too much is counted once."""
    mirror = Mirror(2)
    for ids in ("a", "b", "cd", "e"):
        mirror.offer(champion_rows(*ids))
    assert mirror.waiting_rows() == 2
    assert mirror.take_overflow() == 3
    assert mirror.take_overflow() == 0
    first = mirror.take()
    assert first is not None
    assert first["prediction_id"].to_pylist() == ["a"]
    assert mirror.clear() == 1
    assert mirror.take() is None


def test_closed_mirror_takes_and_counts_nothing() -> None:
    """A trial that is over counts no more rows."""
    mirror = Mirror(2)
    mirror.close()
    mirror.offer(champion_rows("a"))
    assert (mirror.waiting_rows(), mirror.take_overflow()) == (0, 0)


def test_mirror_under_several_threads_loses_no_row() -> None:
    """The champion's and the control's lanes offer at once."""
    mirror, batch = Mirror(50), champion_rows("a", "b")

    def offer() -> None:
        for _ in range(2_000):
            mirror.offer(batch)

    threads = [Thread(target=offer) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in threads):
        found = mirror.take()
        taken += 0 if found is None else found.num_rows
    assert taken + mirror.clear() + mirror.take_overflow() == 4 * 2_000 * 2
