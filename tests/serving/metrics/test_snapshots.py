"""Replicas' figures in one folder: nothing that was shown is ever lost."""

import os
from pathlib import Path

import pytest

from serving.metrics.figures import Figures
from serving.metrics.served_families import IN_FLIGHT, REPLICAS, REQUEST_DURATION, REQUEST_SECONDS, REQUESTS
from serving.metrics.snapshots import LIVE_SECONDS, Snapshots, Summed

OK = ("toy", "200")


def requests(count: float) -> Figures:
    """Return figures of so many answered requests."""
    figures = Figures()
    figures.add(REQUESTS, OK, [count])
    return figures


def in_flight(count: float) -> Figures:
    """Return figures of so many requests under way."""
    figures = Figures()
    figures.set(IN_FLIGHT, ("toy",), count)
    return figures


def answered(summed: Summed) -> float:
    """Return the answered requests of a sum."""
    return summed.counters.of(REQUESTS)[OK][0]


def die(replica: Snapshots) -> None:
    """End a replica as SIGKILL does: the kernel lets go of its hold, and nothing else happens."""
    os.close(replica._owned.descriptor)


def test_replicas_are_added_up(folder: Path) -> None:
    """Any of them tells the figures of all."""
    one, other = Snapshots(folder, "a"), Snapshots(folder, "b")
    one.keep(requests(3), in_flight(1))
    other.keep(requests(4), in_flight(2))
    for replica in (one, other):
        summed = replica.summed()
        assert answered(summed) == 7
        assert summed.gauges.of(IN_FLIGHT) == {("toy",): [3.0]}
        assert summed.gauges.of(REPLICAS) == {(): [2.0]}


def test_killed_replica_leaves_its_counters_and_takes_its_gauges(folder: Path) -> None:
    """What it counted is folded into one file, however often it is summed, and its folder goes."""
    one, other = Snapshots(folder, "a"), Snapshots(folder, "b")
    one.keep(requests(3), in_flight(1))
    other.keep(requests(4), in_flight(2))
    die(other)
    for _ in range(3):
        summed = one.summed()
        assert answered(summed) == 7
        assert summed.gauges.of(IN_FLIGHT) == {("toy",): [1.0]}
    assert [path.name for path in (folder / "replicas").iterdir()] == [one._owned.app_id]


def test_many_restarts_leave_one_file(folder: Path) -> None:
    """A replica that starts again counts from 0 beside what it left."""
    for _ in range(5):
        replica = Snapshots(folder, "a")
        replica.keep(requests(1), Figures())
        replica.close()
    last = Snapshots(folder, "a")
    assert answered(last.summed()) == 5
    assert len(list((folder / "replicas").iterdir())) == 1


@pytest.mark.parametrize("step", ["write_kept", "claim_dead"])
def test_fold_that_is_cut_short_counts_nobody_twice_and_loses_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whether it ends before or after the folded file was replaced, the next one comes to the same sum."""
    one, other = Snapshots(folder, "a"), Snapshots(folder, "b")
    one.keep(requests(3), Figures())
    other.keep(requests(4), Figures())
    die(other)
    with monkeypatch.context() as patched:
        if step == "write_kept":
            patched.setattr("serving.metrics.snapshots.write_kept", _refuse)
        else:
            patched.setattr(Path, "unlink", _refuse)
        with pytest.raises(OSError, match="cut short"):
            one.summed()
    assert answered(one.summed()) == 7
    assert answered(one.summed()) == 7


def _refuse(*_: object, **__: object) -> None:
    raise OSError("cut short")


def test_replica_that_hangs_tells_no_state(folder: Path) -> None:
    """Its counters stand; what it said of now is past."""
    now = [1_000.0]
    one, other = (Snapshots(folder, name, lambda: now[0]) for name in "ab")
    other.keep(requests(4), in_flight(2))
    now[0] += LIVE_SECONDS + 1
    one.keep(requests(3), in_flight(1))
    summed = one.summed()
    assert answered(summed) == 7
    assert summed.gauges.of(IN_FLIGHT) == {("toy",): [1.0]}
    assert summed.gauges.of(REPLICAS) == {(): [1.0]}


def test_file_garbled_by_a_power_failure_counts_as_none(folder: Path) -> None:
    """The others are told all the same."""
    one, other = Snapshots(folder, "a"), Snapshots(folder, "b")
    one.keep(requests(3), Figures())
    other.keep(requests(4), Figures())
    (other._owned.folder / "figures.json").write_bytes(b"\0\0")
    assert answered(one.summed()) == 3


def test_figures_kept_with_other_bounds_are_left_out() -> None:
    """After an upgrade that changes a histogram, it begins anew."""
    kept = Figures()
    kept._add(REQUEST_DURATION.name, ("toy",), [1.0, 2.0])
    assert kept.of(REQUEST_DURATION) == {}
    kept.add(REQUEST_DURATION, ("toy",), [0.0] * (len(REQUEST_SECONDS) + 2))
    assert set(kept.of(REQUEST_DURATION)) == {("toy",)}


@pytest.mark.parametrize(("labels", "values"), [(("toy",), [1.0]), (OK, [1.0, 2.0])])
def test_labels_or_values_that_are_not_the_family_s_are_refused(labels: tuple[str, ...], values: list[float]) -> None:
    """A slip in the code shows in its first test."""
    with pytest.raises(ValueError, match="holdfast_requests_total takes 2 labels and 1 values"):
        Figures().add(REQUESTS, labels, values)
