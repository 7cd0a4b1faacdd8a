"""Counts the prediction log's rows as they are shipped, each once, whoever shipped them and whoever dies meanwhile."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from serving.metrics.figures import Figures, Line
from serving.metrics.kept_file import read_kept, write_kept
from serving.metrics.log_rows import COLUMNS, count_rows
from serving.metrics.served_families import UNCOUNTED
from stores.prediction_log.commits import Commit, commit_after, newest_version, rows_of

log = structlog.get_logger()

MOST_COMMITS = 100
"""Counted before the state is kept; a backlog takes several rounds."""


class _State(msgspec.Struct, frozen=True):
    """The counts of all commits up to a version of the table."""

    version: int
    figures: tuple[Line, ...]


class LogTail:
    """Figures of the table at `root`, kept in one file together with the version they were counted to.

    Both change in one step, so that a process that is killed leaves either the old counts with the old version or the
    new ones with the new. Of all replicas one counts at a time; the others pass. Rows that another process shipped in
    a dead replica's name, and a shadow's own, are commits as any other.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._path = folder / "log.json"
        self._lock = folder / "log.lock"

    def begin(self) -> None:
        """Count from now on, when nothing was counted here before; raises Unavailable and OSError."""
        with self._alone() as mine:
            if mine and not self._path.exists():
                write_kept(self._path, _State(newest_version(self._root), ()))

    def advance(self) -> int:
        """Count the commits that came since, at most MOST_COMMITS, and return how many; 0 while another one counts.

        Raises Unavailable and OSError; nothing is counted then.
        """
        with self._alone() as mine:
            return self._advance() if mine else 0

    def figures(self) -> Figures:
        """Return what was counted so far."""
        state = read_kept(self._path, _State)
        return Figures() if state is None else Figures.from_lines(state.figures)

    def _advance(self) -> int:
        state = read_kept(self._path, _State) or _State(newest_version(self._root), ())
        figures, version, commits = Figures.from_lines(state.figures), state.version, 0
        while commits < MOST_COMMITS and (commit := commit_after(self._root, version)) is not None:
            self._count(figures, commit)
            version, commits = commit.version, commits + 1
        if commits or not self._path.exists():
            write_kept(self._path, _State(version, tuple(figures.lines())))
        return commits

    def _count(self, figures: Figures, commit: Commit) -> None:
        for file in commit.files:
            try:
                count_rows(figures, rows_of(file, COLUMNS))
            except FileNotFoundError:
                # Nobody counted for an hour or more, and the log was compacted meanwhile.
                log.warning("log_rows_uncounted", version=commit.version, rows=file.rows)
                figures.add(UNCOUNTED, (), [float(file.rows)])

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
