"""What the log keeps in the place of values that the policy hides."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

import msgspec
import numpy as np
import pyarrow as pa

from lifecycle.errors import SettingInvalid
from lifecycle.log_policy import Keep, dropped_by, hidden_by
from lifecycle.policy import Policy
from serving.rows import Row
from stores.prediction_log.schema import SCHEMA

UNIT = "unit"
_FEATURES = SCHEMA.get_field_index("features")
_encode = msgspec.json.Encoder().encode


class Hiding:
    """Writes requests and units as the policy lets the log have them, and leaves features out of a batch.

    Equal values of one field of one model have equal hashes: HMAC-SHA256 in hex, under the key. Null stays null.
    """

    def __init__(self, policy: Policy, names: Sequence[str], vector: Sequence[str], key: bytes) -> None:
        hidden = hidden_by(policy.log)
        self._model = policy.model
        self._key = key
        self._get = [(name, attrgetter(name), hidden.get(name)) for name in names]
        self._hides_unit = any(name in hidden for name in policy.rollout.unit)
        self._dropped = [vector.index(name) for name in dropped_by(policy.log)]

    def requests(self, rows: Sequence[Row]) -> list[str]:
        """Return each row as the JSON that the log keeps, fields in the contract's order."""
        return [_encode(self._written(row)).decode() for row in rows]

    def units(self, units: Sequence[str]) -> Sequence[str]:
        """Return each unit as the log keeps it."""
        return [self._hash(UNIT, unit) for unit in units] if self._hides_unit else units

    def kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with null for every feature that the log does not keep."""
        return without_features(batch, self._dropped)

    def _written(self, row: Row) -> Mapping[str, object]:
        return {name: get(row) if keep is None else self._hidden(name, keep, get(row)) for name, get, keep in self._get}

    def _hidden(self, name: str, keep: Keep, value: str | None) -> str | None:
        return None if value is None or keep == "nothing" else self._hash(name, value)

    def _hash(self, name: str, value: str) -> str:
        said = f"{self._model}\0{name}\0{value}".encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()


def hiding_of(policy: Policy, names: Sequence[str], vector: Sequence[str], key: Callable[[], bytes]) -> Hiding | None:
    """Return what hides values by a policy, None where it hides none: then nothing is to be paid for it."""
    return Hiding(policy, names, vector, key()) if hidden_by(policy.log) or dropped_by(policy.log) else None


def no_key() -> bytes:
    """Raise SettingInvalid: a hash without a key hides nothing from somebody who can guess."""
    raise SettingInvalid(
        "the policy hides values of the log, and there is no key to hash them with; see HOLDFAST_LOG_KEY"
    )


def without_features(batch: pa.RecordBatch, dropped: Sequence[int]) -> pa.RecordBatch:
    """Return a batch of the log's schema with null in some places of each row's features; `dropped` are the places."""
    if not dropped:
        return batch
    features = batch.column(_FEATURES)
    width = len(features.values) // batch.num_rows if batch.num_rows else 0
    mask = np.zeros((batch.num_rows, width), dtype=bool)
    mask[:, list(dropped)] = True
    values = pa.array(features.values.to_numpy(zero_copy_only=False), pa.float32(), mask=mask.ravel())
    hidden = pa.ListArray.from_arrays(features.offsets, values).cast(SCHEMA.field("features").type)
    return batch.set_column(_FEATURES, SCHEMA.field("features"), hidden)
