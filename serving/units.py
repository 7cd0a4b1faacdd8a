"""What of a request row sticks to one arm."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import msgspec

from lifecycle.contract import Contract, FieldType
from lifecycle.errors import PolicyInvalid
from lifecycle.fitting import unit_misfits
from serving.rows import Row


class Units:
    """The units of rows of one contract, made of the fields that the policy names.

    One text field is the unit as it is; other or several fields are joined as a JSON array, so that no two
    combinations read alike. Raises PolicyInvalid when the contract has no such field.
    """

    def __init__(self, contract: Contract, names: Sequence[str]) -> None:
        misfits = tuple(unit_misfits(names, contract))
        if misfits:
            raise PolicyInvalid("\n".join(map(str, misfits)))
        types = {field.name: field.type for field in contract.fields}
        self._plain = len(names) == 1 and types[names[0]] is FieldType.STRING
        self._get: Callable[[Row], object] = attrgetter(*names)
        self._several = len(names) > 1

    def of(self, rows: Sequence[Row], example_ids: Callable[[], Sequence[str]]) -> list[str]:
        """Return each row's unit; `example_ids` is asked when all of a row's fields are null, and stands in there."""
        get = self._get
        if self._plain:
            units: list[str | None] = [get(row) for row in rows]  # type: ignore[misc]
        else:
            units = [self._joined(get(row)) for row in rows]
        if None not in units:
            return units  # type: ignore[return-value]
        return [example if unit is None else unit for unit, example in zip(units, example_ids(), strict=True)]

    def _joined(self, value: object) -> str | None:
        values = list(value) if self._several and isinstance(value, tuple) else [value]
        return None if all(one is None for one in values) else msgspec.json.encode(values).decode()
