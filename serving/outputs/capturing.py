"""Stores the rows around each opening, and the ledger's word on it; what cannot be stored now is tried again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Unavailable
from serving.outputs.opening import Opening
from stores.captures import CaptureFiles
from stores.ledger.captures import Captures
from stores.ledger.failing import in_short

log = structlog.get_logger()

MOST_WAITING = 32
"""Openings whose rows are kept in memory while the disk does not take them; of the oldest beyond, only the word is."""


@dataclass(eq=False)
class _Storing:
    """What is stored of an opening so far; `told` is what the ledger knows."""

    opening: Opening
    rows: int = 0
    final: bool = False
    told: tuple[int, datetime | None] | None = None
    refused: bool = False


class Capturing:
    """Keeps every opening: a file of rows, and a row of the ledger.

    A first file is written at once, and the whole one as soon as the rows after the moment are there. `offer` may be
    called on any thread; all else on one.
    """

    def __init__(self, files: CaptureFiles, ledger: Captures, now: Callable[[], datetime]) -> None:
        self._files = files
        self._ledger = ledger
        self._now = now
        self._storing: list[_Storing] = []

    def offer(self, opening: Opening) -> None:
        """Take an opening to be kept; returns at once."""
        self._storing.append(_Storing(opening))

    def flush(self) -> None:
        """Store what is new about the openings, and forget those of which all is stored."""
        for one in tuple(self._storing):
            trouble = self._write(one) or self._tell(one)
            if trouble and not one.refused:
                log.warning("capture_not_stored", capture=one.opening.capture_id, error=trouble, means="tried again")
            one.refused = bool(trouble)
            if one.final and one.opening.closed_at is not None and one.told == (one.rows, one.opening.closed_at):
                self._storing.remove(one)
        self._let_go()

    def _write(self, one: _Storing) -> str:
        """Write the file, once at first and once when it is whole; return what went wrong, "" when nothing did."""
        opening = one.opening
        whole = opening.whole
        if one.final or (one.rows and not whole):
            return ""
        batches = tuple(opening.batches)
        try:
            self._files.write(opening.capture_id, pa.Table.from_batches(batches))
        except (Unavailable, pa.ArrowException) as error:
            return str(error) + self._tell(one)
        one.rows = sum(batch.num_rows for batch in batches)
        if whole:
            one.final = True
            opening.batches.clear()
        return ""

    def _tell(self, one: _Storing) -> str:
        word = (one.rows, one.opening.closed_at)
        if one.told == word:
            return ""
        path = f"{self._files.folder.name}/{self._files.path(one.opening.capture_id).name}"
        try:
            self._ledger.keep(one.opening.capture(one.rows, path, self._now()))
        except SQLAlchemyError as error:
            return f"the ledger cannot be reached ({in_short(error)})"
        one.told = word
        return ""

    def _let_go(self) -> None:
        waiting = [one for one in self._storing if not one.final]
        for one in waiting[: max(len(waiting) - MOST_WAITING, 0)]:
            log.error("capture_lost", capture=one.opening.capture_id, rows=one.opening.rows - one.rows)
            one.opening.batches.clear()
            one.final = True
