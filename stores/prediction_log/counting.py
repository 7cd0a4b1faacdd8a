"""Which logged rows say what a version was asked and answered, and their counts on its baseline's bins."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.assignment import Arm
from lifecycle.errors import InvalidInput
from lifecycle.profile import Profile
from lifecycle.profile_counting import count_rows
from stores.hours import Hour
from stores.prediction_log.schema import OWN_TIERS

ARMS = tuple(arm.value for arm in (Arm.CHAMPION, Arm.CONTROL, Arm.CANARY, Arm.PREVIOUS))
"""The arms of the plan that answer clients."""
COLUMNS = (
    "model",
    "version",
    "arm",
    "tier",
    "contract",
    "moment_at",
    "request",
    "features",
    "defaulted",
    "score",
    "outcome",
    "shown",
)
"""What `countable`, `by_hour` and `count_logged` read of the log."""
COUNTABLE = f"""
    arm IN ({", ".join(f"'{arm}'" for arm in ARMS)})
    AND coalesce(tier, 'model') IN ({", ".join(f"'{tier}'" for tier in OWN_TIERS)})
    AND coalesce(outcome, 'answered') = 'answered' AND coalesce(shown, true)
    AND score IS NOT NULL AND moment_at IS NOT NULL AND len(features) = ?
"""
"""What `countable` says, in SQL over the view `predictions`; its one parameter is the width of the vector."""
HOUR_US = 3600 * 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def countable(rows: pa.Table, width: int) -> pa.Table:
    """Return the rows that a version of an arm answered and a client was shown, with `width` features.

    What the small model answered is among them: without the rows that it is sure of, the others are no fair sample. A
    row that a fallback tier answered has no score of the version's, and one with another number of features was made by
    other code.
    """
    wanted = pc.is_in(rows["arm"], pa.array(ARMS))
    for told in (
        pc.is_in(pc.coalesce(rows["tier"], "model"), pa.array(OWN_TIERS)),
        pc.equal(pc.coalesce(rows["outcome"], "answered"), "answered"),
        pc.coalesce(rows["shown"], pa.scalar(value=True)),
        pc.is_valid(rows["score"]),
        pc.is_valid(rows["moment_at"]),
        pc.equal(pc.coalesce(pc.list_value_length(rows["features"]), -1), width),
    ):
        wanted = pc.and_(wanted, told)
    return rows.filter(wanted)


def by_hour(rows: pa.Table) -> Iterator[tuple[Hour, pa.Table]]:
    """Yield countable rows by model, version and hour of their moment, the hours with most rows first."""
    hours = rows["moment_at"].cast(pa.int64()).to_numpy() // HOUR_US
    keys = pa.table({"model": rows["model"], "version": rows["version"], "hour": pa.array(hours, pa.int64())})
    names = [(name, "ascending") for name in keys.column_names]
    ordered = rows.take(pc.sort_indices(keys, sort_keys=names))
    groups = keys.group_by(keys.column_names, use_threads=False).aggregate([([], "count_all")]).sort_by(names)
    found = groups.to_pylist()
    starts = np.cumsum([0, *(group["count_all"] for group in found)])
    for group, start in sorted(zip(found, starts.tolist(), strict=False), key=lambda one: -one[0]["count_all"]):
        hour_at = EPOCH + timedelta(hours=group["hour"])
        yield Hour(group["model"], group["version"], hour_at), ordered.slice(start, group["count_all"])


def count_logged(rows: pa.Table, baseline: Profile, vector: Sequence[str]) -> Profile:
    """Return the counts of a version's countable rows on its baseline's bins; `vector` names their features in order.

    Raises InvalidInput when the rows lack what the baseline knows, and for a request that is no JSON of its contract.
    """
    features = rows["features"].combine_chunks()
    shape = (rows.num_rows, len(vector))
    return count_rows(
        baseline,
        matrix=features.flatten().to_numpy(zero_copy_only=False).reshape(shape),
        defaulted=_defaulted(rows["defaulted"].combine_chunks(), shape, vector),
        vector=vector,
        texts=_texts(rows["request"].to_pylist(), tuple(baseline.categories)),
        scores=rows["score"].to_numpy(),
    )


def _defaulted(names: pa.ListArray, shape: tuple[int, int], vector: Sequence[str]) -> np.ndarray:
    marked = np.zeros(shape, dtype=bool)
    columns = pc.index_in(names.flatten(), value_set=pa.array(vector, names.type.value_type))
    known = columns.is_valid()
    rows = pc.list_parent_indices(names).filter(known)
    marked[rows.to_numpy(zero_copy_only=False), columns.filter(known).to_numpy(zero_copy_only=False)] = True
    return marked


def _texts(requests: Sequence[str | None], names: tuple[str, ...]) -> Mapping[str, list[str | None]]:
    decode = _decoder(names).decode
    try:
        decoded = [decode(request or "{}") for request in requests]
    except msgspec.DecodeError as error:
        raise InvalidInput(f"a logged request cannot be read for {', '.join(names)}: {error}") from error
    return {name: [getattr(one, name) for one in decoded] for name in names}


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...]) -> Any:
    fields: list[Any] = [(name, str | None, None) for name in names]
    return msgspec.json.Decoder(msgspec.defstruct("Texts", fields, gc=False))
