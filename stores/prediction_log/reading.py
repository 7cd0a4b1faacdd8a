"""Read segments, also those that a dying replica left torn."""

from dataclasses import dataclass
from glob import escape
from pathlib import Path

import pyarrow as pa

OPEN_SUFFIX = ".open"
SEALED_SUFFIX = ".arrow"


@dataclass(frozen=True)
class Reading:
    """The complete record batches of a segment, and the length in bytes of the part they fill."""

    batches: tuple[pa.RecordBatch, ...]
    whole_bytes: int
    file_bytes: int

    @property
    def rows(self) -> int:
        """Number of rows in the complete batches."""
        return sum(batch.num_rows for batch in self.batches)

    @property
    def torn(self) -> bool:
        """Whether something that is not a complete batch follows the last one."""
        return self.whole_bytes < self.file_bytes


def read_segment(path: Path) -> Reading:
    """Return every complete batch of a segment up to the first that is cut short or damaged.

    A segment is an Arrow IPC stream without end-of-stream mark, so that cutting it after any batch leaves
    a valid segment. Raises FileNotFoundError when it has been shipped and deleted meanwhile.
    """
    content = path.read_bytes()
    source = pa.BufferReader(content)
    batches: list[pa.RecordBatch] = []
    whole = 0
    try:
        messages = pa.ipc.MessageReader.open_stream(source)
        schema = pa.ipc.read_schema(messages.read_next_message())
        whole = source.tell()
        for message in messages:
            batch = pa.ipc.read_record_batch(message, schema)
            batch.validate(full=True)
            batches.append(batch)
            whole = source.tell()
    except (pa.ArrowException, OSError, EOFError, StopIteration):
        # Where reading fails is where the segment ends.
        return Reading(tuple(batches), whole, len(content))
    return Reading(tuple(batches), whole, len(content))


def sequence_of(path: Path) -> int:
    """Return a segment's number, which counts from 1 within its folder."""
    return int(path.name.split(".")[0])


def sealed_segments(folder: Path) -> tuple[Path, ...]:
    """Return a folder's sealed segments, oldest first."""
    return tuple(sorted(folder.glob(f"*{SEALED_SUFFIX}"), key=sequence_of))


def read_all(segments: Path, folder: str | None = None) -> tuple[tuple[str, int, Reading], ...]:
    """Return (folder's name, number, reading) of every segment, the growing ones too, oldest first by folder.

    With `folder`, only those of one.

    A segment may be sealed, shipped and deleted while this reads. One that was there when this began is missing
    only when its rows were committed before this returns.
    """
    # Growing ones are listed first, so that one that is sealed in between is seen under either name.
    folders = "[!.]*" if folder is None else escape(folder)
    growing = set(segments.glob(f"{folders}/*{OPEN_SUFFIX}"))
    sealed = {path.with_suffix(OPEN_SUFFIX) for path in segments.glob(f"{folders}/*{SEALED_SUFFIX}")}
    found = []
    for path in sorted(growing | sealed):
        reading = _read_under_either_name(path)
        if reading is not None:
            found.append((path.parent.name, sequence_of(path), reading))
    return tuple(found)


def _read_under_either_name(path: Path) -> Reading | None:
    for name in (path, path.with_suffix(SEALED_SUFFIX)):
        try:
            return read_segment(name)
        except FileNotFoundError:
            continue
    return None
