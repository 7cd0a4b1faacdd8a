"""Raw tensors of the Open Inference Protocol's binary data extension, little-endian, row-major.

BYTES elements are a 4-byte length and then the bytes. Binary tensors have no null: in a nullable field an
empty BYTES element and a NaN stand for null; in any other field they are values like any other, and refused.
"""

import struct
from collections.abc import Sequence

import numpy as np

from lifecycle.contract import Field, FieldType
from serving.problem import refused

_LENGTH = struct.Struct("<I")
_NUMBERS = {FieldType.INTEGER: "<i8", FieldType.NUMBER: "<f8", FieldType.BOOLEAN: "u1"}


def read_tensor(field: Field, raw: memoryview) -> list[object]:
    """Return a tensor's elements as plain values; raises Refused when the bytes are no such tensor."""
    if field.type in _NUMBERS:
        return _numbers(field, raw)
    texts = _texts(field, raw)
    return [None if text == "" else text for text in texts] if field.nullable else list(texts)


def _numbers(field: Field, raw: memoryview) -> list[object]:
    dtype = np.dtype(_NUMBERS[field.type])
    if len(raw) % dtype.itemsize:
        raise refused(
            400,
            "malformed-tensor",
            f"{field.name}: {len(raw)} bytes are no whole number of {dtype.itemsize}-byte values.",
        )
    numbers = np.frombuffer(raw, dtype=dtype)
    if field.type is FieldType.BOOLEAN:
        return _truths(field, numbers)
    values: list[object] = numbers.tolist()
    if field.type is FieldType.NUMBER and field.nullable:
        return [None if value != value else value for value in values]  # noqa: PLR0124 - only NaN differs from itself
    return values


def _truths(field: Field, numbers: np.ndarray) -> list[object]:
    odd = np.flatnonzero(numbers > 1)
    if odd.size:
        detail = f"{field.name}: element {odd[0]} is byte {numbers[odd[0]]:#04x}; allowed: 0x00 and 0x01."
        raise refused(400, "malformed-tensor", detail)
    values: list[object] = numbers.astype(np.bool_).tolist()
    return values


def _texts(field: Field, raw: memoryview) -> list[str]:
    texts: list[str] = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        length = _LENGTH.unpack_from(raw, at)[0] if start <= len(raw) else len(raw)
        if start + length > len(raw):
            raise refused(400, "malformed-tensor", f"{field.name}: element {len(texts)} ends after the tensor's bytes.")
        at = start + length
        try:
            texts.append(str(raw[start:at], "utf-8"))
        except UnicodeDecodeError as error:
            raise refused(400, "malformed-tensor", f"{field.name}: element {len(texts)} is not UTF-8.") from error
    return texts


def write_texts(texts: Sequence[str]) -> bytes:
    """Return a BYTES tensor."""
    encoded = [text.encode() for text in texts]
    return b"".join(part for text in encoded for part in (_LENGTH.pack(len(text)), text))


def write_numbers(values: Sequence[float]) -> bytes:
    """Return an FP64 tensor."""
    return np.asarray(values, dtype="<f8").tobytes()
