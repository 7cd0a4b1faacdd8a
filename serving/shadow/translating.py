"""A shadow of another contract than the champion's: each mirrored question, asked in the shadow's own contract.

What the champion was asked is read by its contract, becomes a row of the shadow's, and the shadow's features are
looked up and derived for that row. All of it happens in the shadow's process: no answer and no replica waits for it.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.editions import edition_of, way
from feature_repo.feast_store import open_feature_store
from feature_repo.online import OnlineFeatures
from feature_repo.vector import assemble
from lifecycle.errors import ArtifactInvalid
from serving.log_batch import lists, moments
from serving.parts import FeatureReader
from serving.prepared import feature_at, microseconds
from serving.recording import defaulted_names
from serving.rows import Row, RowCodec
from serving.shadow.frames import Asking
from stores.prediction_log.schema import SCHEMA

_TEXT = pa.string()
MOST_ROWS = 1_000_000
"""A mirrored micro-batch is as long as the gateway made it."""


class Translating:
    """Makes mirrored batches the questions of a contract; raises Unavailable while the features are out of reach."""

    def __init__(self, definition: ModelDefinition, contract: str, reader: FeatureReader) -> None:
        self._definition = definition
        self._edition = edition_of(definition, contract)
        self._reader = reader
        self._own = RowCodec(self._edition.contract, MOST_ROWS)
        self._codecs: dict[str, RowCodec] = {contract: self._own}

    def __call__(self, mirrored: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with each row's request and features by this contract, and the row as it was written.

        A row that was written in this contract in the first place is taken as it was written.
        """
        columns = dict(zip(SCHEMA.names, mirrored.columns, strict=True))
        written = _written(mirrored)
        began = time.perf_counter()
        rows = self._rows(mirrored, written)
        request = self._own.columns(rows)
        found = self._reader.read(request)
        assembled = assemble(self._edition, request, found.values)
        took = microseconds(time.perf_counter() - began)
        at = feature_at(self._edition, found, len(rows))
        names = defaulted_names(self._edition, assembled.defaulted, np.count_nonzero(assembled.defaulted, axis=1))
        others = [(None, None) if contract == self.contract else (contract, text) for contract, text in written]
        columns |= {
            "contract": pa.repeat(self.contract, len(rows)),
            "request": pa.array([self._own.as_json(row) for row in rows], _TEXT),
            "original_contract": pa.array([contract for contract, _ in others], _TEXT),
            "original_request": pa.array([text for _, text in others], _TEXT),
            "features": lists("features", assembled.matrix.shape, pa.array(assembled.matrix.ravel(), pa.float32())),
            "defaulted": pa.array(names, SCHEMA.field("defaulted").type),
            "feature_at": lists("feature_at", at.shape, moments(at)),
            "features_us": pa.repeat(pa.scalar(took, pa.int32()), len(rows)),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)

    @property
    def contract(self) -> str:
        """Name of the contract it asks in."""
        return self._edition.contract.name

    def _rows(self, mirrored: pa.RecordBatch, written: Sequence[tuple[str, str]]) -> list[Row]:
        asked = zip(mirrored.column("contract").to_pylist(), mirrored.column("request").to_pylist(), strict=True)
        # Through the champion's contract, from which every request has a way; another older one may have none.
        sources = [own if own[0] == self.contract else theirs for own, theirs in zip(written, asked, strict=True)]
        return [self._row(contract, text) for contract, text in sources]

    def _row(self, contract: str, text: str) -> Row:
        if contract not in self._codecs:
            self._codecs[contract] = RowCodec(edition_of(self._definition, contract).contract, MOST_ROWS)
        (row,) = self._codecs[contract].from_json(b'{"rows":[' + text.encode() + b"]}")
        if contract == self.contract:
            return row
        found = way(self._definition, contract, self.contract)
        if found is None:
            raise ArtifactInvalid(f"no way from {contract} to {self.contract} is declared")
        (values,) = found([msgspec.structs.asdict(row)])
        return self._own.row(values)


def open_translating(asking: Asking, contract: str) -> Translating:
    """Return the translation to a contract of a model, over the online store that is open to this process."""
    definition = load_definition(asking.model)
    edition = edition_of(definition, contract)
    store = open_feature_store(edition, Path(asking.features), asking.online_store)
    reader = OnlineFeatures(store, edition, asking.feature_cache_seconds, time.monotonic)
    reader.keep_fresh()
    return Translating(definition, contract, reader)


def _written(mirrored: pa.RecordBatch) -> list[tuple[str, str]]:
    """Return each row's contract and JSON as its caller wrote it."""
    names = ("contract", "request", "original_contract", "original_request")
    rows = zip(*(mirrored.column(name).to_pylist() for name in names), strict=True)
    return [(contract, text) if other is None else (other, original) for contract, text, other, original in rows]
