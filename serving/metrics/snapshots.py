"""What each replica has counted, in a folder that all of them share; counts of the dead are kept for good."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving.metrics.figures import Figures, Line
from serving.metrics.kept_file import read_kept, write_kept
from serving.metrics.served_families import REPLICAS
from stores.prediction_log.ownership import Ownership, claim_dead, claim_new

LIVE_SECONDS = 15.0
"""A replica that has told nothing for so long hangs; its gauges say nothing about now."""


class Snapshot(msgspec.Struct, frozen=True):
    """One replica's figures at a moment, in epoch seconds; counters run since it started."""

    at: float
    counters: tuple[Line, ...]
    gauges: tuple[Line, ...]


class _Folded(msgspec.Struct, frozen=True):
    """The counters of dead replicas; `names` are those whose own file may still be there."""

    counters: tuple[Line, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summed:
    """The counters of all replicas there ever were, and the gauges of those that live, added up."""

    counters: Figures
    gauges: Figures


class Snapshots:
    """One replica's place among the others; `keep` its figures often, `summed` adds up everybody's.

    What a scrape has seen must never shrink. So nothing is summed that is not kept, and what a dead replica kept
    last is folded into one file, in steps that can be cut short anywhere: a name that is folded is not read again.
    """

    def __init__(self, folder: Path, replica: str, epoch_seconds: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._epoch_seconds = epoch_seconds
        self._owned = claim_new(folder / "replicas", replica)

    def keep(self, counters: Figures, gauges: Figures) -> None:
        """Keep this replica's figures in place of its last ones; raises OSError."""
        snapshot = Snapshot(self._epoch_seconds(), tuple(counters.lines()), tuple(gauges.lines()))
        write_kept(_file(self._owned.folder), snapshot)

    def summed(self) -> Summed:
        """Return what all replicas have kept; raises OSError."""
        counters, gauges = Figures(), Figures()
        gauges.set(REPLICAS, (), 0.0)
        with self._alone():
            folded = self._fold_the_dead()
            counters.merge(Figures.from_lines(folded.counters))
            for folder in self._others(folded):
                snapshot = read_kept(_file(folder), Snapshot)
                if snapshot is None:
                    continue
                counters.merge(Figures.from_lines(snapshot.counters))
                if self._epoch_seconds() - snapshot.at < LIVE_SECONDS:
                    gauges.merge(Figures.from_lines(snapshot.gauges))
                    gauges.add(REPLICAS, (), [1.0])
        return Summed(counters, gauges)

    def close(self) -> None:
        """Leave; what was kept stays for the others to fold."""
        self._owned.release()

    def _others(self, folded: _Folded) -> list[Path]:
        return [folder for folder in self._there() if folder.name not in folded.names]

    def _there(self) -> list[Path]:
        return sorted((self._folder / "replicas").glob("[!.]*"))

    def _fold_the_dead(self) -> _Folded:
        path = self._folder / "folded.json"
        folded = read_kept(path, _Folded) or _Folded()
        dead: list[Ownership] = [owned for folder in self._there() if (owned := claim_dead(folder)) is not None]
        try:
            news = [owned for owned in dead if owned.app_id not in folded.names]
            if news:
                counters = Figures.from_lines(folded.counters)
                for owned in news:
                    snapshot = read_kept(_file(owned.folder), Snapshot)
                    counters.merge(Figures.from_lines(() if snapshot is None else snapshot.counters))
                # Names whose folder is gone are let go of, so that the file stays as small as the labels are few.
                folded = _Folded(tuple(counters.lines()), tuple(owned.app_id for owned in dead))
                write_kept(path, folded)
            for owned in dead:
                _file(owned.folder).unlink(missing_ok=True)
        finally:
            for owned in dead:
                owned.release()
        return folded

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "replicas.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _file(folder: Path) -> Path:
    return folder / "figures.json"
