"""A contract says what it allows, and two that accept the same have one digest."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from lifecycle.contract import Contract, Field, FieldType, FieldValue

AGE = Field(name="age", type=FieldType.INTEGER, description="Years.", example=30, minimum=0, maximum=130)
NAME = Field(name="code", type=FieldType.STRING, description="A code.", example="A", allowed=("A", "B"), nullable=True)


def test_a_field_says_in_words_what_it_allows() -> None:
    """The words end up in error messages and on the docs page."""
    assert AGE.allows() == "integer from 0 to 130"
    assert NAME.allows() == "one of A, B, or null"


def test_a_number_without_limits_is_refused() -> None:
    """A number that may be anything cannot be checked."""
    with pytest.raises(ValidationError, match="needs both minimum and maximum"):
        Field(name="age", type=FieldType.INTEGER, description="Years.", example=30)


def test_limits_on_text_are_refused() -> None:
    """A minimum on a string means nothing."""
    with pytest.raises(ValidationError, match="need a number"):
        Field(name="code", type=FieldType.STRING, description="A code.", example="A", minimum=1)


def test_repeated_field_names_are_refused() -> None:
    """Two fields of one name cannot both be filled."""
    with pytest.raises(ValidationError, match="field names repeat"):
        Contract(model="m", version=1, fields=(AGE, AGE))


def test_the_digest_changes_with_a_limit() -> None:
    """A wider range is another contract."""
    wider = AGE.model_copy(update={"maximum": 140})
    contracts = [Contract(model="m", version=1, fields=(field, NAME)) for field in (AGE, AGE, wider)]
    assert contracts[0].digest() == contracts[1].digest() != contracts[2].digest()


def test_words_are_no_part_of_what_a_contract_accepts() -> None:
    """Limits, names, types and their order are."""
    contract = Contract(model="m", version=1, fields=(AGE, NAME))
    told = contract.model_copy(update={"fields": (AGE.model_copy(update={"description": "In years."}), NAME)})
    assert contract.accepts_the_same(told)
    for other in (
        contract.model_copy(update={"version": 2}),
        contract.model_copy(update={"fields": (NAME, AGE)}),
        contract.model_copy(update={"fields": (AGE.model_copy(update={"maximum": 140}), NAME)}),
    ):
        assert not contract.accepts_the_same(other)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (AGE, [0, 130], [-1, 131, 30.0, True, "30", None]),
        (NAME, ["A", None], ["C", "A\n", 1]),
        (AGE.model_copy(update={"type": FieldType.NUMBER}), [0.0, 130.0, 7], [float("nan"), float("inf"), True, "7"]),
        (Field(name="b", type=FieldType.BOOLEAN, description="-", example=True), [True, False], [1, 0, None, "true"]),
        (
            Field(name="p", type=FieldType.STRING, description="-", example="a", pattern="^a$"),
            ["a"],
            ["a\n", "b", None],
        ),
        (
            Field(name="t", type=FieldType.TIMESTAMP, description="-", example="", nullable=True),
            [datetime(2024, 5, 1, tzinfo=UTC), None],
            [datetime(2024, 5, 1), "2024-05-01T00:00:00Z", 0],  # noqa: DTZ001 - without a zone, to be refused
        ),
        (AGE.model_copy(update={"nullable": True}), [30], [None]),
    ],
)
def test_typed_value_passes_or_not_as_it_is(field: Field, good: list[FieldValue], bad: list[FieldValue]) -> None:
    """As the request decoder has it: nothing is converted, and a null number has no column."""
    assert [value for value in good if not field.takes(value)] == []
    assert [value for value in bad if field.takes(value)] == []


def test_the_example_row_is_made_of_the_fields_examples() -> None:
    """The docs page shows a row that works."""
    assert Contract(model="m", version=1, fields=(AGE, NAME)).example_row() == {"age": 30, "code": "A"}
