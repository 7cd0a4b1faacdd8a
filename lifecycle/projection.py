"""How a request of one contract becomes a request of another: declared field by field, total, and never a guess.

Forward, every request that the source accepts becomes one that the target accepts: that is checked when the projection
is declared, so a declared one cannot fail on a value. Back, a request passes only when the way forward would lead to
the very same one again; of any other, the field, its value and what the older contract knows are named.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

from lifecycle.contract import Contract, Field, FieldValue
from lifecycle.errors import ContractViolation, FieldProblem
from lifecycle.projection_parts import Added, Dropped, Mapped, Parts, Renamed, misfits_of_parts

Values: TypeAlias = Mapping[str, FieldValue]
"""One row's typed values by field name."""


class Projection(BaseModel):
    """The declared way from `source` to `target`; a field of one name on both sides needs no word.

    `renamed`, `added`, `dropped` and `mapped` say what becomes of every other field. `reversible` says whether a
    version of the source may answer the target's requests, where nothing of a request is lost by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Contract
    target: Contract
    renamed: tuple[Renamed, ...] = ()
    added: tuple[Added, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    mapped: tuple[Mapped, ...] = ()
    reversible: bool

    @model_validator(mode="after")
    def _leaves_nothing_open(self) -> Self:
        misfits = list(misfits_of_parts(self._parts, reversible=self.reversible))
        if misfits:
            raise ValueError(f"{self.source.name} to {self.target.name}: {'; '.join(misfits)}")
        return self

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self.source, self.target, self.renamed, self.added, self.dropped, self.mapped)

    @cached_property
    def origins(self) -> Mapping[str, str]:
        """The source's field by the target's, for each that has one; the others are constants."""
        return self._parts.origins()

    @cached_property
    def constants(self) -> Mapping[str, FieldValue]:
        """The typed constant of each added field."""
        fields = {field.name: field for field in self.target.fields}
        return {one.field: fields[one.field].typed(one.value) for one in self.added}

    @cached_property
    def values(self) -> Mapping[str, Mapping[str, str]]:
        """The new names of values by the target's field."""
        return self._parts.values()

    def forward(self, row: Values) -> dict[str, FieldValue]:
        """Return a row of the source as a row of the target, in the target's order of fields."""
        return {field.name: self._forward(field.name, row) for field in self.target.fields}

    def back(self, rows: Sequence[Values]) -> list[dict[str, FieldValue]]:
        """Return rows of the target as rows of the source, in its order of fields.

        Raises ContractViolation naming every value that the source has no word for; `forward` of what is returned are
        the rows again. Raises ValueError when the projection is not reversible.
        """
        if not self.reversible:
            raise ValueError(f"the projection from {self.source.name} to {self.target.name} is not reversible")
        problems = [problem for number, row in enumerate(rows) for problem in self._lost(number, row)]
        if problems:
            raise ContractViolation(tuple(problems))
        return [{field.name: self._back(field, row) for field in self.source.fields} for row in rows]

    def _forward(self, name: str, row: Values) -> FieldValue:
        old = self.origins.get(name)
        if old is None:
            return self.constants[name]
        value, values = row[old], self.values.get(name)
        return values.get(value, value) if values is not None and isinstance(value, str) else value

    def _back(self, field: Field, row: Values) -> FieldValue:
        new = self._targets[field.name]
        value, values = row[new], self._olds.get(new)
        return values.get(value) if values is not None and isinstance(value, str) else value

    @cached_property
    def _targets(self) -> Mapping[str, str]:
        return {old: new for new, old in self.origins.items()}

    @cached_property
    def _olds(self) -> Mapping[str, Mapping[str, str]]:
        """The one source value of each target value, by the target's field; of two that became one, none is."""
        fields = {field.name: field for field in self.source.fields}
        found = {}
        for new, values in self.values.items():
            vocabulary = [value for value in fields[self.origins[new]].allowed or () if value is not None]
            becomes = [values.get(value, value) for value in vocabulary]
            pairs = zip(becomes, vocabulary, strict=True)
            found[new] = {one: old for one, old in pairs if becomes.count(one) == 1}
        return found

    def _lost(self, number: int, row: Values) -> list[FieldProblem]:
        """Return what of a target's row the source has no word for."""
        problems = []
        for field in self.source.fields:
            new = self._targets[field.name]
            unknown = row[new] is not None and new in self._olds and row[new] not in self._olds[new]
            if unknown or not field.takes(self._back(field, row)):
                problems.append(FieldProblem(new, number, _shown(row[new]), self._known(field, new)))
        for name, value in self.constants.items():
            if row[name] != value:
                allowed = f"{_shown(value)}, because {self.source.name} has no such field"
                problems.append(FieldProblem(name, number, _shown(row[name]), allowed))
        return problems

    def _known(self, field: Field, new: str) -> str:
        if new in self._olds:
            known = ", ".join(self._olds[new])
            return f"one of {known}, which is what {self.source.name} knows"
        return f"{field.allows()}, which is what {self.source.name} knows"


def _shown(value: FieldValue) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("ascii", "backslashreplace").decode()[:80]
