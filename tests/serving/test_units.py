"""What of a row sticks to one arm."""

import pytest

from feature_repo.definition import load_definition
from lifecycle.errors import PolicyInvalid
from serving.rows import Row as TypedRow
from serving.rows import RowCodec
from serving.units import Units
from tests.serving.conftest import MODEL, Row, flight

CONTRACT = load_definition(MODEL).contract
EXAMPLES = ["first", "second", "third"]


def typed(*rows: Row) -> list[TypedRow]:
    """Return rows as the gateway holds them."""
    codec = RowCodec(CONTRACT, len(rows))
    columns = {name: codec.convert(name, [row[name] for row in rows]) for name in codec.names}
    return codec.from_columns(columns)


def test_one_text_field_is_the_unit_as_it_is() -> None:
    """Null, the example id stands in."""
    rows = typed(flight(tail_number="N10"), flight(tail_number=None), flight(tail_number="N12"))
    assert Units(CONTRACT, ["tail_number"]).of(rows, lambda: EXAMPLES) == ["N10", "second", "N12"]


def test_several_fields_are_joined_so_that_no_two_combinations_read_alike() -> None:
    """A null beside a value is part of the unit; a time and a number are written as JSON writes them."""
    rows = typed(flight(carrier="UA", tail_number="N10"), flight(carrier="UA", tail_number=None))
    units = Units(CONTRACT, ["carrier", "tail_number", "flight"]).of(rows, lambda: EXAMPLES)
    assert units == ['["UA","N10",1545]', '["UA",null,1545]']
    (moment,) = Units(CONTRACT, ["scheduled_departure_at"]).of(rows[:1], lambda: EXAMPLES)
    assert moment == '["2013-04-01T14:30:00Z"]'


def test_field_that_the_contract_does_not_have_is_named_with_those_it_has() -> None:
    """A typing error must not make everybody one unit."""
    with pytest.raises(PolicyInvalid, match=r"rollout\.unit\[0\]: 'tail_nmber' .*Allowed: carrier, flight, origin"):
        Units(CONTRACT, ["tail_nmber"])
