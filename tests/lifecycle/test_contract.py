"""A contract says what it allows, and two that accept the same have one digest."""

import pytest
from pydantic import ValidationError

from lifecycle.contract import Contract, Field, FieldType

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


def test_the_example_row_is_made_of_the_fields_examples() -> None:
    """The docs page shows a row that works."""
    assert Contract(model="m", version=1, fields=(AGE, NAME)).example_row() == {"age": 30, "code": "A"}
