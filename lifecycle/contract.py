"""What a model version accepts as input: the fields, their types and their limits."""

import hashlib
import json
import math
import re
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator


class FieldType(StrEnum):
    """A field's type on the wire; the right-hand side is what contracts and messages print."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """RFC 3339 text with an offset, such as 2013-04-01T14:30:00Z."""


JsonValue: TypeAlias = str | int | float | bool | None
"""A field's value as JSON has it."""
FieldValue: TypeAlias = str | int | float | bool | datetime | None
"""A typed value of one field; a timestamp is an aware datetime."""

V2_DATATYPES = {
    FieldType.STRING: "BYTES",
    FieldType.INTEGER: "INT64",
    FieldType.NUMBER: "FP64",
    FieldType.BOOLEAN: "BOOL",
    FieldType.TIMESTAMP: "BYTES",
}
"""Open Inference Protocol V2 datatype per field type."""


class Field(BaseModel):
    """One input field with everything needed to accept or refuse a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: FieldType
    description: str
    example: str | int | float | bool | None
    nullable: bool = False
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _limits_fit_the_type(self) -> Self:
        numeric = self.type in (FieldType.INTEGER, FieldType.NUMBER)
        if (self.minimum is not None or self.maximum is not None) and not numeric:
            raise ValueError(f"{self.name}: minimum and maximum need a number, not {self.type}")
        if numeric and (self.minimum is None or self.maximum is None):
            raise ValueError(f"{self.name}: a number needs both minimum and maximum")
        if (self.allowed or self.pattern) and self.type is not FieldType.STRING:
            raise ValueError(f"{self.name}: allowed and pattern need a string, not {self.type}")
        if self.pattern is not None:
            re.compile(self.pattern)
        return self

    @property
    def may_be_null(self) -> bool:
        """Whether null passes; an integer or boolean has no column that could hold one, whatever the contract says."""
        return self.nullable and self.type not in (FieldType.INTEGER, FieldType.BOOLEAN)

    def takes(self, value: FieldValue) -> bool:
        """Return whether a typed value passes; nothing is converted to make it pass."""
        if value is None:
            return self.may_be_null
        if isinstance(value, bool) or self.type is FieldType.BOOLEAN:
            return isinstance(value, bool) and self.type is FieldType.BOOLEAN
        if self.type is FieldType.TIMESTAMP:
            return isinstance(value, datetime) and value.tzinfo is not None
        if self.type is FieldType.STRING:
            return isinstance(value, str) and self._takes_text(value)
        if not isinstance(value, int | float) or self.minimum is None or self.maximum is None:
            return False
        whole = isinstance(value, int) or self.type is not FieldType.INTEGER
        return whole and math.isfinite(value) and self.minimum <= value <= self.maximum

    def accepts(self, value: JsonValue) -> bool:
        """Return whether a value as JSON has it passes."""
        try:
            return self.takes(self.typed(value))
        except ValueError:
            return False

    def typed(self, value: JsonValue) -> FieldValue:
        """Return a value of JSON as its type holds it; raises ValueError for a text that is no timestamp."""
        if self.type is FieldType.TIMESTAMP and isinstance(value, str):
            return datetime.fromisoformat(value)
        if self.type is FieldType.NUMBER and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value

    def takes_bound(self, other: "Field") -> bool:
        """Return whether every number that another field allows passes here."""
        numbers = (self.minimum, self.maximum, other.minimum, other.maximum)
        lowest, highest, low, high = (math.nan if one is None else one for one in numbers)
        if self.type is FieldType.INTEGER:
            low, high = math.ceil(low), math.floor(high)
        return lowest <= low and high <= highest

    def _takes_text(self, text: str) -> bool:
        # A bare $ also matches before a trailing line break; \Z does not.
        fits = self.pattern is None or re.search(rf"(?:{self.pattern})\Z", text) is not None
        return fits and (self.allowed is None or text in self.allowed)

    def allows(self) -> str:
        """Say in words which values pass, for error messages and the docs page."""
        if self.allowed is not None:
            text = "one of " + ", ".join(self.allowed)
        elif self.minimum is not None and self.maximum is not None:
            text = f"{self.type} from {self.minimum:g} to {self.maximum:g}"
        elif self.pattern is not None:
            text = f"string matching {self.pattern}"
        elif self.type is FieldType.TIMESTAMP:
            text = "RFC 3339 timestamp with an offset, such as 2013-04-01T14:30:00Z"
        else:
            text = str(self.type)
        return f"{text}, or null" if self.nullable else text


class Contract(BaseModel):
    """The versioned input contract of a model: anything else is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: int
    fields: tuple[Field, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"contract {self.name}: field names repeat in {names}")
        return self

    @property
    def name(self) -> str:
        """Name of the contract, and of the feature service that belongs to it."""
        return f"{self.model}_v{self.version}"

    def digest(self) -> str:
        """SHA-256 over the canonical JSON: equal exactly when two contracts accept the same."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def accepts_the_same(self, other: "Contract") -> bool:
        """Return whether two contracts of one name take the same requests, whatever words describe their fields."""

        def limits(contract: Contract) -> list[dict[str, object]]:
            return [field.model_dump(exclude={"description", "example"}) for field in contract.fields]

        return self.name == other.name and limits(self) == limits(other)

    def example_row(self) -> dict[str, JsonValue]:
        """One row that the contract accepts, made of each field's example."""
        return {field.name: field.example for field in self.fields}
