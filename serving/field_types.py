"""The msgspec type that accepts exactly what one contract field allows."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from lifecycle.contract import Field, FieldType

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Timestamps outside [EARLIEST, LATEST) are typing errors, and overflow nanosecond clocks downstream."""
SHOWN_CHARACTERS = 80


def field_type(field: Field) -> Any:
    """Return the type that decodes a field's values, with its limits; no value is coerced."""
    kind = _limited(field)
    # A null integer or boolean has no column to live in (feature_repo.definition.Columns).
    may_be_null = field.nullable and field.type not in (FieldType.INTEGER, FieldType.BOOLEAN)
    return kind | None if may_be_null else kind


def _limited(field: Field) -> Any:
    if field.type is FieldType.STRING:
        return _string(field)
    if field.type is FieldType.BOOLEAN:
        return bool
    if field.type is FieldType.TIMESTAMP:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    if field.minimum is None or field.maximum is None:
        raise ValueError(f"{field.name}: a number needs both minimum and maximum")
    if field.type is FieldType.INTEGER:
        return Annotated[int, msgspec.Meta(ge=math.ceil(field.minimum), le=math.floor(field.maximum))]
    return Annotated[float, msgspec.Meta(ge=field.minimum, le=field.maximum)]


def _string(field: Field) -> Any:
    if field.allowed is not None:
        pattern = re.compile(field.pattern or "")
        return Literal[tuple(value for value in field.allowed if pattern.search(value))]
    if field.pattern is not None:
        # A bare $ also matches before a trailing line break; \Z does not.
        return Annotated[str, msgspec.Meta(pattern=rf"(?:{field.pattern})\Z")]
    return str


def accepts(field: Field, kind: Any, value: object) -> bool:
    """Say whether a value, as JSON or a tensor gave it, passes a field's type and limits."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return field.type is not FieldType.TIMESTAMP or converted is None or EARLIEST <= converted < LATEST


def allowed_words(field: Field) -> str:
    """Say what a field allows, with the span of years for a timestamp."""
    if field.type is FieldType.TIMESTAMP:
        return f"{field.allows()}; years {EARLIEST.year} to {LATEST.year - 1}"
    return field.allows()


def shown(value: object) -> str:
    """Return a value as JSON would write it, in ASCII, cut to a length that fits a message."""
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
