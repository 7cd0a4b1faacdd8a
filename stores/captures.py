"""Files of captured rows: what the prediction log has around the moment at which a version's answers were stopped."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.errors import NotFound, Unavailable


@dataclass(frozen=True)
class CaptureFiles:
    """One Parquet file per capture in a folder, replaced whole, so that a reader never sees a part."""

    folder: Path

    def path(self, capture_id: str) -> Path:
        """Return where a capture lies, or would."""
        return self.folder / f"{capture_id}.parquet"

    def write(self, capture_id: str, rows: pa.Table) -> Path:
        """Put rows in place of what the capture held; raises Unavailable when the disk does not take them."""
        path = self.path(capture_id)
        draft = path.with_name(f"{capture_id}.{uuid4().hex}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                pq.write_table(rows, draft, compression="zstd")
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"{path} cannot be written: {error}; make room or mend the folder") from error
        return path

    def read(self, capture_id: str) -> pa.Table:
        """Return the rows of a capture in the log's schema, in the order in which they were logged.

        Raises NotFound when its file is gone, Unavailable when it cannot be read.
        """
        path = self.path(capture_id)
        try:
            return pq.read_table(path, partitioning=None)
        except FileNotFoundError as error:
            raise NotFound(f"{path} is gone; only the ledger's row of capture {capture_id} is left") from error
        except (OSError, pa.ArrowException) as error:
            raise Unavailable(f"{path} cannot be read: {error}") from error
