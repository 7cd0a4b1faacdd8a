"""What the log keeps in the place of values that the policy hides."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from feature_repo.definition import ModelDefinition
from feature_repo.editions import editions_of, policy_terms
from lifecycle.contract import Contract
from lifecycle.errors import SettingInvalid
from lifecycle.log_policy import Keep, dropped_by, hidden_by
from lifecycle.policy import Policy
from serving.rows import Row, RowCodec
from stores.prediction_log.schema import SCHEMA

UNIT = "unit"
_FEATURES = SCHEMA.get_field_index("features")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a contract: its name in the policy, which is today's contract's, and what is kept; None for all."""

    name: str
    todays: str
    get: Callable[[Row], Any]
    keep: Keep | None


class Hiding:
    """Writes requests and units as the policy lets the log have them, and leaves features out of a batch.

    Equal values of one field of one model have equal hashes: HMAC-SHA256 in hex, under the key. Null stays null.
    `definition` is the model's of today, `vector` that of the version that answers.
    """

    def __init__(self, policy: Policy, definition: ModelDefinition, vector: Sequence[str], key: bytes) -> None:
        self._model = policy.model
        self._key = key
        self._fields = {
            edition.contract.name: _fields(policy, definition, edition.contract) for edition in editions_of(definition)
        }
        self._hides_unit = any(name in hidden_by(policy.log) for name in policy.rollout.unit)
        self._dropped = [vector.index(name) for name in dropped_by(policy.log) if name in vector]

    def requests(self, codec: RowCodec, rows: Sequence[Row]) -> list[str]:
        """Return rows of any of the model's contracts as the JSON that the log keeps, fields in its order."""
        fields = self._fields[codec.contract.name]
        return [_encode({one.name: self._written(one, row) for one in fields}).decode() for row in rows]

    def units(self, units: Sequence[str]) -> Sequence[str]:
        """Return each unit as the log keeps it."""
        return [self._hash(UNIT, unit) for unit in units] if self._hides_unit else units

    def kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with null for every feature that the log does not keep."""
        return without_features(batch, self._dropped)

    def _written(self, field: _Field, row: Row) -> object:
        value = field.get(row)
        if field.keep is None or value is None:
            return value
        return None if field.keep == "nothing" else self._hash(field.todays, value)

    def _hash(self, name: str, value: str) -> str:
        said = f"{self._model}\0{name}\0{value}".encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()


def hides_anything(policy: Policy) -> bool:
    """Return whether a policy keeps any value out of the log."""
    return policy.log is not None and bool(policy.log.fields or policy.log.dropped_features)


def hiding_of(
    policy: Policy, definition: ModelDefinition, vector: Sequence[str], key: Callable[[], bytes]
) -> Hiding | None:
    """Return what hides values by a policy, None where it hides none: then nothing is to be paid for it."""
    return Hiding(policy, definition, vector, key()) if hides_anything(policy) else None


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


def _fields(policy: Policy, definition: ModelDefinition, contract: Contract) -> list[_Field]:
    hidden, terms = hidden_by(policy.log), policy_terms(definition, contract.name)
    todays = {name if terms is None else terms.names((name,))[0]: name for name in hidden}
    names = [field.name for field in contract.fields]
    return [_Field(name, todays.get(name, name), attrgetter(name), hidden.get(todays.get(name, ""))) for name in names]
