"""The offline rows: one Parquet file per view and day, replaced whole, so a reader never sees a part."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.definition import View

if TYPE_CHECKING:
    from feast import FeatureStore

EVENT_TIMESTAMP = "event_timestamp"


def rows_folder(folder: Path, view: View) -> Path:
    """Return where a view's daily files lie in a model's folder."""
    return folder / "offline" / view.name


def offline_folder(store: "FeatureStore", view: View) -> Path:
    """Return where a view's daily files lie in an opened store."""
    return rows_folder(Path(store.config.repo_path), view)


def prepare_offline(folder: Path, view: View) -> None:
    """Make a view's folder in a model's folder, with one empty file, so that a join always finds a file."""
    rows = rows_folder(folder, view)
    rows.mkdir(parents=True, exist_ok=True)
    _write(view_schema(view).empty_table(), rows / "empty.parquet")


def write_offline(folder: Path, view: View, rows: pd.DataFrame, start: datetime, end: datetime) -> int:
    """Put a view's rows of (start, end] in place of what stood there; return how many they are.

    `folder` is the view's, from `offline_folder`, `rows` what `view.build(events, start, end)` returned. Writing a
    window twice changes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = pa.Table.from_pandas(
        rows.rename(columns={"entity": view.entity}), schema=view_schema(view), preserve_index=False
    )
    day = start.astimezone(UTC).date()
    while day <= end.astimezone(UTC).date():
        first = datetime(day.year, day.month, day.day, tzinfo=UTC)
        stamps = new[EVENT_TIMESTAMP]
        of_day = new.filter(pc.and_(_at_least(stamps, first), pc.invert(_at_least(stamps, first + timedelta(days=1)))))
        _replace(folder / f"{day:%Y-%m-%d}.parquet", view, of_day, start, end)
        day += timedelta(days=1)
    return len(rows)


def read_offline(folder: Path, view: View, day: date) -> pd.DataFrame:
    """Return a view's rows of one UTC day as `build` returned them, in order of time and entity; none when absent."""
    file = folder / f"{day:%Y-%m-%d}.parquet"
    table = pq.read_table(file, partitioning=None) if file.exists() else view_schema(view).empty_table()
    frame: pd.DataFrame = table.to_pandas()
    return frame.rename(columns={view.entity: "entity"})


def _replace(file: Path, view: View, new: pa.Table, start: datetime, end: datetime) -> None:
    kept = view_schema(view).empty_table()
    if file.exists():
        standing = pq.read_table(file, partitioning=None)
        stamps = standing[EVENT_TIMESTAMP]
        kept = standing.filter(pc.or_(_at_most(stamps, start), pc.invert(_at_most(stamps, end))))
    rows = pa.concat_tables([kept, new]).sort_by([(EVENT_TIMESTAMP, "ascending"), (view.entity, "ascending")])
    if rows.num_rows == 0:
        file.unlink(missing_ok=True)
        return
    _write(rows, file)


def _write(rows: pa.Table, file: Path) -> None:
    draft = file.with_name(f"{uuid4().hex}.tmp")
    pq.write_table(rows, draft)
    draft.replace(file)


def view_schema(view: View) -> pa.Schema:
    """Return the columns of a view's files."""
    features = [(feature.name, pa.float64()) for feature in view.features]
    return pa.schema([(view.entity, pa.string()), (EVENT_TIMESTAMP, pa.timestamp("us", "UTC")), *features])


def _at_least(stamps: pa.ChunkedArray, moment: datetime) -> pa.ChunkedArray:
    return pc.greater_equal(stamps, pa.scalar(moment, type=stamps.type))


def _at_most(stamps: pa.ChunkedArray, moment: datetime) -> pa.ChunkedArray:
    return pc.less_equal(stamps, pa.scalar(moment, type=stamps.type))
