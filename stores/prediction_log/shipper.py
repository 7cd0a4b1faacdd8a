"""Ship sealed segments into the Delta table, each exactly once, and adopt those of dead replicas."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import structlog

from lifecycle.errors import HoldfastError
from stores.prediction_log.claimed import claims_of, without_claims
from stores.prediction_log.delta import append_once, last_shipped, open_table
from stores.prediction_log.ownership import Ownership, claim_dead
from stores.prediction_log.reading import (
    OPEN_SUFFIX,
    SEALED_SUFFIX,
    read_segment,
    sealed_segments,
    sequence_of,
)
from stores.prediction_log.schema import SCHEMA

log = structlog.get_logger()

COMMIT_BYTES = 32 * 1024 * 1024
"""Segments are combined into one commit up to this size, which keeps files and commits few and memory bounded."""

FAILURES = (HoldfastError, OSError, ValueError, pa.ArrowException)
"""What one folder's content can cause: the last two for files that are no segments of this log."""

Void: TypeAlias = Callable[[str, frozenset[str]], frozenset[str]]
"""Returns which claims of a dead replica's folder were answered elsewhere; see stores/ledger/void_claims.py."""


@dataclass(frozen=True)
class Adopted:
    """What was found of dead replicas: their folders, the rows shipped, and torn tails cut in bytes.

    `left` names what could not be adopted this time; it stays as it is for the next.
    """

    folders: tuple[str, ...]
    rows: int
    cut_bytes: int
    left: tuple[str, ...] = ()


def ship(
    root: Path, owned: Ownership, on_rows: Callable[[pa.Table], None] | None = None, void: Void | None = None
) -> int:
    """Ship every sealed segment of a held folder and delete it; return the rows that were committed.

    `on_rows` is shown what was committed, once at most. Rows of claims that `void` names are dropped.

    Rows and the segment's number go into one commit, so a segment that is still there after a crash is
    recognised as shipped and only deleted. A segment behind one that is not sealed yet waits for it: its
    number in the table would make the other one look shipped.
    """
    waiting = _sealed_in_order(owned.folder)
    if not waiting:
        return 0
    table = open_table(root)
    shipped = last_shipped(table, owned.app_id)
    for path in waiting:
        if sequence_of(path) <= shipped:
            path.unlink()
    rows = 0
    for group in _groups([path for path in waiting if sequence_of(path) > shipped]):
        pieces = pa.concat_tables([_rows_of(root, path) for path in group], promote_options="default")
        together = _valid(pieces, owned.app_id, void).combine_chunks()
        append_once(table, together, owned.app_id, sequence_of(group[-1]))
        for path in group:
            path.unlink()
        rows += together.num_rows
        if on_rows is not None:
            on_rows(together)
    return rows


def adopt_orphans(root: Path, void: Void | None = None) -> Adopted:
    """Ship what dead replicas left behind, in their name, and remove their folders.

    A torn tail, which was never acknowledged, is cut; every complete batch is kept. Folders of living
    replicas and those that another adopter holds are passed over. One that fails is logged and left for the
    next call, and does not keep the others from being adopted. `void` says which keyed requests were answered
    elsewhere meanwhile: their rows here were never acknowledged.
    """
    folders: list[str] = []
    left: list[str] = []
    rows = cut_bytes = 0
    for folder in sorted((root / "segments").glob("[!.]*")):
        try:
            owned = claim_dead(folder)
            if owned is None:
                continue
            try:
                cut_bytes += _seal_remains(owned.folder)
                rows += ship(root, owned, void=void)
            finally:
                owned.release()
        except FAILURES as error:
            left.append(folder.name)
            log.warning("orphan_left", folder=str(folder), error=str(error))
        else:
            folders.append(folder.name)
    if folders:
        log.info("orphans_adopted", folders=folders, rows=rows, cut_bytes=cut_bytes)
    return Adopted(tuple(folders), rows, cut_bytes, tuple(left))


def _valid(rows: pa.Table, app_id: str, void: Void | None) -> pa.Table:
    claims = claims_of(rows) if void is not None else frozenset()
    if void is None or not claims:
        return rows
    lost = void(app_id, claims)
    if lost:
        log.warning("keyed_rows_dropped", folder=app_id, claims=sorted(lost), means="they were answered elsewhere")
    return without_claims(rows, lost) if lost else rows


def _sealed_in_order(folder: Path) -> list[Path]:
    # Listed before the growing ones: what is sealed by then has none unsealed before it unless sealing failed.
    sealed = sealed_segments(folder)
    growing = [sequence_of(path) for path in folder.glob(f"*{OPEN_SUFFIX}")]
    return [path for path in sealed if not growing or sequence_of(path) < min(growing)]


def _seal_remains(folder: Path) -> int:
    cut_bytes = 0
    for path in folder.glob(f"*{OPEN_SUFFIX}"):
        reading = read_segment(path)
        cut_bytes += reading.file_bytes - reading.whole_bytes
        if reading.rows == 0:
            path.unlink()
            continue
        with path.open("r+b") as file:
            file.truncate(reading.whole_bytes)
            os.fsync(file.fileno())
        path.rename(path.with_suffix(SEALED_SUFFIX))
    return cut_bytes


def _rows_of(root: Path, path: Path) -> pa.Table:
    try:
        # One call outside the interpreter's lock: a loop over batches would hold up answers in other threads.
        return pa.ipc.open_stream(path.read_bytes()).read_all()
    except (pa.ArrowInvalid, OSError):
        return _readable_rows_of(root, path)


def _readable_rows_of(root: Path, path: Path) -> pa.Table:
    """Return what can be read of a damaged segment, once the file is kept aside: it was whole when it was sealed."""
    kept = root / "damaged" / f"{path.parent.name}-{path.name}"
    kept.parent.mkdir(exist_ok=True)
    shutil.copy2(path, kept)
    reading = read_segment(path)
    log.error("segment_damaged", kept=str(kept), readable_rows=reading.rows, whole_bytes=reading.whole_bytes)
    return pa.Table.from_batches(reading.batches, schema=None if reading.batches else SCHEMA)


def _groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    size = 0
    for path in paths:
        if group and size + path.stat().st_size > COMMIT_BYTES:
            yield group
            group, size = [], 0
        group.append(path)
        size += path.stat().st_size
    if group:
        yield group
