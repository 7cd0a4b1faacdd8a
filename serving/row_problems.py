"""Everything that is wrong with a refused request, found field by field.

Only a request that the typed decoder has refused comes here, so this may be slow.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from lifecycle.contract import Contract
from lifecycle.errors import ContractViolation, FieldProblem
from serving.field_types import SHOWN_CHARACTERS, accepts, allowed_words, shown
from serving.problem import Refused, refused

MAX_PROBLEMS = 20
"""A request with more problems than this gets the first ones."""


class RowProblems:
    """Names what a contract refuses: field, row, value and what is allowed."""

    def __init__(self, contract: Contract, types: Mapping[str, Any], max_rows: int) -> None:
        self._fields = {field.name: field for field in contract.fields}
        self._types = types
        self._max_rows = max_rows
        self._known = f"the fields of {contract.name}: {', '.join(self._fields)}"

    def of_body(self, body: bytes, reason: str) -> ContractViolation:
        """Return what is wrong with `{"rows": […]}`.

        Raises Refused when the body is no JSON; `reason` is what the decoder said.
        """
        document = untyped(body)
        if not isinstance(document, dict):
            return violated(FieldProblem("body", None, shown(document), 'an object {"rows": [{…}]}'))
        problems = [FieldProblem(shown(name), None, "unknown", "only `rows`") for name in document if name != "rows"]
        rows = document.get("rows")
        if not isinstance(rows, list):
            value = shown(rows) if "rows" in document else "missing"
            problems.append(FieldProblem("rows", None, value, "an array of row objects"))
        elif not 1 <= len(rows) <= self._max_rows:
            problems.append(self._count(len(rows)))
        else:
            for number, row in enumerate(rows):
                problems.extend(self._of_row(number, row))
                if len(problems) >= MAX_PROBLEMS:
                    break
        if not problems:
            raise malformed(reason)
        return violated(*problems)

    def of_column(self, name: str, values: object) -> ContractViolation | None:
        """Return what is wrong with a column of plain values, or None when it is right."""
        if not isinstance(values, list):
            return violated(FieldProblem(name, None, shown(values), "an array with one value per row"))
        found = [self._of_value(name, row, value) for row, value in enumerate(values)]
        problems = [problem for problem in found if problem is not None]
        return violated(*problems) if problems else None

    def count(self, n_rows: int) -> ContractViolation:
        """Return the refusal of a request with none or too many rows."""
        return violated(self._count(n_rows))

    def missing(self, name: str, row: int | None = None) -> FieldProblem:
        """Return the problem of a field that was not sent."""
        return FieldProblem(name, row, "missing", allowed_words(self._fields[name]))

    def unknown(self, name: str, row: int | None = None) -> FieldProblem:
        """Return the problem of a field that the contract does not have."""
        # A name may hold half a surrogate pair, which no answer could be encoded with.
        printable = name.encode("ascii", "backslashreplace").decode()
        if len(printable) > SHOWN_CHARACTERS:
            printable = printable[:SHOWN_CHARACTERS] + "…"
        return FieldProblem(printable, row, "unknown", self._known)

    def _count(self, n_rows: int) -> FieldProblem:
        return FieldProblem("rows", None, f"{n_rows} rows", f"1 to {self._max_rows} rows")

    def _of_row(self, number: int, row: object) -> list[FieldProblem]:
        if not isinstance(row, dict):
            return [FieldProblem("rows", number, shown(row), "an object with the contract's fields")]
        problems = [self.unknown(name, number) for name in row if name not in self._fields]
        for name in self._fields:
            found = self._of_value(name, number, row[name]) if name in row else self.missing(name, number)
            if found is not None:
                problems.append(found)
        return problems

    def _of_value(self, name: str, row: int, value: object) -> FieldProblem | None:
        field = self._fields[name]
        if accepts(field, self._types[name], value):
            return None
        return FieldProblem(name, row, shown(value), allowed_words(field))


def violated(*problems: FieldProblem) -> ContractViolation:
    """Return the refusal with the first MAX_PROBLEMS problems."""
    return ContractViolation(problems[:MAX_PROBLEMS])


def untyped(raw: bytes) -> object:
    """Return decoded JSON without types, NaN and Infinity included, so that their field can be named.

    Raises Refused saying where it is malformed.
    """
    try:
        document: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            raise malformed(str(error)) from error
    return document


def malformed(reason: str) -> Refused:
    """Return the refusal of a body that is not JSON."""
    detail = f"The body is not JSON (RFC 8259, which has no NaN and no Infinity): {reason}."
    return refused(400, "malformed-json", detail)
