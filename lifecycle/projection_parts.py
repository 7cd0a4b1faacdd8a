"""What a projection says of single fields, and whether all of it together leaves nothing open and nothing lost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limited

from lifecycle.contract import Contract, Field, FieldType, JsonValue


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Renamed(_Part):
    """The source's field `old` is the target's field `new`, value by value."""

    old: str
    new: str


class Added(_Part):
    """A field that only the target has: `value`, as JSON has it, stands in every projected row, and why."""

    field: str
    value: JsonValue
    because: str = Limited(min_length=1)


class Dropped(_Part):
    """A field that only the source has, and why the target can do without it."""

    field: str
    because: str = Limited(min_length=1)


class Mapped(_Part):
    """New names for some of the values that the source allows in what is the target's `field`, and why."""

    field: str
    values: Mapping[str, str]
    because: str = Limited(min_length=1)


@dataclass(frozen=True)
class Parts:
    """Two contracts and all that is said of their fields."""

    source: Contract
    target: Contract
    renamed: Sequence[Renamed]
    added: Sequence[Added]
    dropped: Sequence[Dropped]
    mapped: Sequence[Mapped]

    def origins(self) -> dict[str, str]:
        """Return the source's field by the target's, for every target field that has one."""
        taken = {one.old for one in self.renamed} | {one.field for one in self.dropped}
        made = {one.new for one in self.renamed} | {one.field for one in self.added}
        there = {field.name for field in self.target.fields}
        same = [one.name for one in self.source.fields if one.name not in taken and one.name in there - made]
        return {name: name for name in same} | {one.new: one.old for one in self.renamed}

    def values(self) -> dict[str, Mapping[str, str]]:
        """Return the new names of values by the target's field."""
        return {one.field: one.values for one in self.mapped}


def misfits_of_parts(parts: Parts, *, reversible: bool) -> Iterator[str]:
    """Yield everything for which a projection is no total, typed way from every request to another."""
    if parts.source.model != parts.target.model:
        yield f"{parts.source.name} and {parts.target.name} are contracts of two models"
    if parts.source.name == parts.target.name:
        yield "a contract needs no projection to itself; raise its version"
    named = list(_misfits_of_names(parts))
    yield from named
    if reversible and parts.dropped:
        lost = ", ".join(one.field for one in parts.dropped)
        yield f"it is reversible, but {lost} is dropped and nothing could fill it again; say reversible=False"
    if not named:
        yield from _misfits_of_values(parts)


def _misfits_of_names(parts: Parts) -> Iterator[str]:
    source = {field.name for field in parts.source.fields}
    target = {field.name for field in parts.target.fields}
    olds = [*(one.old for one in parts.renamed), *(one.field for one in parts.dropped)]
    news = [*(one.new for one in parts.renamed), *(one.field for one in parts.added)]
    for names, known, contract in ((olds, source, parts.source), (news, target, parts.target)):
        for name, times in Counter(names).items():
            if name not in known:
                yield f"{name} is no field of {contract.name}"
            if times > 1:
                yield f"{name} is spoken of {times} times; once is allowed"
    yield from _misfits_of_origins(parts, olds, news)


def _misfits_of_origins(parts: Parts, olds: Sequence[str], news: Sequence[str]) -> Iterator[str]:
    origins = parts.origins()
    for name, times in Counter(one.field for one in parts.mapped).items():
        if name not in origins or times > 1:
            yield f"values of {name} are mapped; allowed: once, of a field of {parts.target.name} that has an origin"
    for field in parts.target.fields:
        if field.name not in origins and field.name not in news:
            yield f"{field.name} of {parts.target.name} comes from nowhere; rename a field to it, or add it"
    for field in parts.source.fields:
        if field.name not in origins.values() and field.name not in olds:
            yield f"{field.name} of {parts.source.name} goes nowhere; rename it, or drop it and say why"


def _misfits_of_values(parts: Parts) -> Iterator[str]:
    source = {field.name: field for field in parts.source.fields}
    target = {field.name: field for field in parts.target.fields}
    values = parts.values()
    for new, old in parts.origins().items():
        yield from _misfits_of_pair(source[old], target[new], values.get(new, {}))
    for one in parts.added:
        if not target[one.field].accepts(one.value):
            yield f"{one.field} is added as {one.value!r}; allowed: {target[one.field].allows()}"


def _misfits_of_pair(old: Field, new: Field, values: Mapping[str, str]) -> Iterator[str]:
    if old.type is not new.type:
        yield f"{old.name} is a {old.type} and {new.name} a {new.type}; a projection converts nothing"
        return
    if old.may_be_null and not new.may_be_null:
        yield f"{old.name} may be null and {new.name} may not"
    if old.type in (FieldType.INTEGER, FieldType.NUMBER) and not (new.takes_bound(old) and not values):
        yield f"{old.name} allows {old.allows()}, which goes beyond {new.name}: {new.allows()}"
    if old.type is FieldType.STRING:
        yield from _misfits_of_texts(old, new, values)
    elif values:
        yield f"values of {new.name} are mapped, which is for texts with a vocabulary, not a {new.type}"


def _misfits_of_texts(old: Field, new: Field, values: Mapping[str, str]) -> Iterator[str]:
    if old.allowed is None:
        if values:
            yield f"values of {new.name} are mapped, but {old.name} has no vocabulary that says which there are"
        elif new.allowed is not None or new.pattern not in (None, old.pattern):
            yield f"{old.name} allows {old.allows()}, which goes beyond {new.name}: {new.allows()}"
        return
    for value in values:
        if not old.takes(value):
            yield f"{value!r} of {new.name} is mapped, but {old.name} does not allow it: {old.allows()}"
    for value in old.allowed:
        if old.takes(value) and not new.takes(values.get(value, value)):
            yield f"{old.name} {value!r} becomes {values.get(value, value)!r}; {new.name} allows {new.allows()}"
