"""What a keeper and its shadow process say to each other over pipes."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
import pyarrow as pa

from lifecycle.resources_policy import Device

_LENGTH = struct.Struct(">I")
EXHAUSTED = 75
"""Exit code of a process that was given no more memory, also where it could not say so."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """How a shadow asks in its own contract what the champion was asked in another, and reads its own features.

    `features` is the folder of Feast's stores, `online_store` as the settings have it.
    """

    model: str
    features: str
    online_store: str
    feature_cache_seconds: float


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a shadow process is for; sent once, before the first batch.

    `parent` is the keeper's process id, `manifest` the version's manifest as JSON. A score at or above `threshold`
    is decided `positive`, else `negative`. `replica` is the name its rows are logged under. `dropped` are the places of
    the features that the log does not keep. `asking` is None when the champion's contract is its own. The system gives
    the process no more than `memory_limit_mb`, and the version computes on `device`.
    """

    parent: int
    prediction_log: str
    replica: str
    version: str
    folder: str
    manifest: str
    threshold: float
    positive: str
    negative: str
    asking: Asking | None = None
    dropped: tuple[int, ...] = ()
    memory_limit_mb: float
    device: Device = "cpu"


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The version is loaded and proven."""

    memory_mb: float


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Nothing will be answered, and why; `version_failed` tells the version's fault from a full disk's."""

    reason: str
    version_failed: bool


class Exhausted(msgspec.Struct, frozen=True, tag=True):
    """The system gave the version no more memory, so its process ends; `memory_mb` is what it had."""

    memory_mb: float


class Ack(msgspec.Struct, frozen=True, tag=True):
    """A batch is done: how many of its rows were answered, failed, or could not be logged."""

    answered: int
    failed: int
    unlogged: int
    predict_ms: float
    memory_mb: float


Message = Ready | Refused | Exhausted | Ack

encode_task = msgspec.json.Encoder().encode
decode_task = msgspec.json.Decoder(Task).decode
decode_message = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


def encode_message(message: Message) -> bytes:
    """Return a message as one line."""
    return _encode(message) + b"\n"


def frame(payload: bytes | pa.Buffer) -> bytes:
    """Return a payload with its length before it."""
    return _LENGTH.pack(len(memoryview(payload))) + bytes(payload)


def frames(source: BinaryIO) -> Iterator[bytes]:
    """Yield every whole payload until the other end closes; one that is cut short is left out."""
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        payload = source.read(length)
        if len(payload) < length:
            return
        yield payload
