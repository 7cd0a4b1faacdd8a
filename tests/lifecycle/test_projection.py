"""A projection leaves nothing open and loses nothing: forward it takes every request, back what comes home again."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.contract import Contract, Field, FieldType, FieldValue
from lifecycle.errors import ContractViolation
from lifecycle.projection import Projection
from lifecycle.projection_parts import Added, Dropped, Mapped, Renamed

AT = "2024-05-01T12:00:00Z"


def text(name: str, *allowed: str, nullable: bool = False, pattern: str | None = None) -> Field:
    """Return a field of text."""
    return Field(
        name=name,
        type=FieldType.STRING,
        description="Text.",
        example=allowed[0] if allowed else "a",
        allowed=allowed or None,
        nullable=nullable,
        pattern=pattern,
    )


def number(name: str, low: float = 0, high: float = 50, kind: FieldType = FieldType.NUMBER) -> Field:
    """Return a field of numbers."""
    return Field(name=name, type=kind, description="Number.", example=low, minimum=low, maximum=high)


def flag(name: str) -> Field:
    """Return a field of truths."""
    return Field(name=name, type=FieldType.BOOLEAN, description="Truth.", example=False)


def moment(name: str) -> Field:
    """Return a field of moments."""
    return Field(name=name, type=FieldType.TIMESTAMP, description="Moment.", example=AT, nullable=True)


def contract(version: int, *fields: Field) -> Contract:
    """Return a contract of the toy."""
    return Contract(model="toy", version=version, fields=fields)


V1 = contract(
    1,
    text("sender", nullable=True, pattern="^s[0-9]+$"),
    text("service", "road", "air", "AIR"),
    number("weight"),
    number("pieces", 1, 9, FieldType.INTEGER),
    moment("asked_at"),
)
V2 = contract(
    2,
    text("sender", nullable=True),
    text("service", "road", "air", "drone"),
    number("weight_kg", 0, 80),
    number("pieces", 1, 9, FieldType.INTEGER),
    moment("asked_at"),
    flag("fragile"),
    number("value", 0, 100),
)
PROJECTION = Projection(
    source=V1,
    target=V2,
    renamed=(Renamed(old="weight", new="weight_kg"),),
    added=(
        Added(field="fragile", value=False, because="Nobody could say it."),
        Added(field="value", value=10, because="What was insured."),
    ),
    mapped=(Mapped(field="service", values={"AIR": "air"}, because="One spelling is enough."),),
    reversible=True,
)
VALUES: dict[str, st.SearchStrategy[FieldValue]] = {
    "sender": st.none() | st.integers(0, 999).map(lambda number: f"s{number}"),
    "pieces": st.integers(1, 9),
    "asked_at": st.none() | st.integers(0, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
}
OLD = st.fixed_dictionaries(
    {**VALUES, "service": st.sampled_from(["road", "air", "AIR"]), "weight": st.floats(0, 50, allow_nan=False)}
)
NEW = st.fixed_dictionaries(
    {
        **VALUES,
        "sender": st.none() | st.text(max_size=5),
        "service": st.sampled_from(["road", "air", "drone"]),
        "weight_kg": st.floats(0, 80, allow_nan=False),
        "fragile": st.booleans(),
        "value": st.sampled_from([0.0, 10.0]),
    }
)


def fits(row: dict[str, FieldValue], by: Contract) -> bool:
    """Return whether a contract takes every value of a row, and nothing is left over."""
    return list(row) == [field.name for field in by.fields] and all(field.takes(row[field.name]) for field in by.fields)


@given(OLD)
def test_every_request_of_the_source_becomes_one_of_the_target(row: dict[str, FieldValue]) -> None:
    """Whatever its values; each is as it was, but for what is declared."""
    made = PROJECTION.forward(row)
    assert fits(made, V2)
    same = ("sender", "pieces", "asked_at")
    assert [made[name] for name in same] == [row[name] for name in same]
    assert (made["weight_kg"], made["fragile"], made["value"]) == (row["weight"], False, 10.0)
    assert made["service"] == ("air" if row["service"] == "AIR" else row["service"])


@given(NEW)
def test_what_comes_back_comes_home_again(row: dict[str, FieldValue]) -> None:
    """A request either becomes one that would lead to the very same again, or is refused naming what was lost."""
    try:
        (made,) = PROJECTION.back([row])
    except ContractViolation as refusal:
        named = {problem.field for problem in refusal.problems}
        weight, sender = row["weight_kg"], row["sender"]
        assert isinstance(weight, float)
        lost = {
            "weight_kg": weight > 50,
            "service": row["service"] in ("drone", "air"),
            "fragile": row["fragile"] is True,
            "value": row["value"] != 10,
            "sender": sender is not None and not V1.fields[0].takes(sender),
        }
        assert named == {name for name, gone in lost.items() if gone}
    else:
        assert fits(made, V1)
        assert PROJECTION.forward(made) == row


@given(OLD)
def test_there_and_back_is_the_request_itself_where_no_two_values_became_one(row: dict[str, FieldValue]) -> None:
    """Of two spellings that became one, nobody can say which it was."""
    forward = [PROJECTION.forward(row)]
    if row["service"] == "road":
        assert PROJECTION.back(forward) == [row]
    else:
        with pytest.raises(ContractViolation, match="service in row 0 is air; allowed: one of road"):
            PROJECTION.back(forward)


def test_loss_is_told_by_field_row_value_and_what_the_older_contract_knows() -> None:
    """Every row that loses something is named."""
    good = PROJECTION.forward({"sender": None, "service": "road", "weight": 1.0, "pieces": 1, "asked_at": None})
    with pytest.raises(ContractViolation) as refusal:
        PROJECTION.back([good, {**good, "service": "drone", "fragile": True}])
    assert [str(problem) for problem in refusal.value.problems] == [
        "service in row 1 is drone; allowed: one of road, which is what toy_v1 knows",
        "fragile in row 1 is true; allowed: false, because toy_v1 has no such field",
    ]


def test_constant_is_the_type_s_own() -> None:
    """A whole number for a number is a float, and a moment's text a moment."""
    late = contract(2, *V1.fields, Field(name="due", type=FieldType.TIMESTAMP, description="Due.", example=AT))
    due = Added(field="due", value=AT, because="The day it began.")
    assert Projection(source=V1, target=late, added=(due,), reversible=False).constants == {
        "due": datetime(2024, 5, 1, 12, tzinfo=UTC)
    }
    assert isinstance(PROJECTION.constants["value"], float)


def test_no_way_back_is_no_way_back() -> None:
    """A projection that is not declared reversible is never gone the other way."""
    only = PROJECTION.model_copy(update={"reversible": False})
    with pytest.raises(ValueError, match="from toy_v1 to toy_v2 is not reversible"):
        only.back([])


Change = Callable[[], Projection]


def between(*fields: Field, to: tuple[Field, ...], **parts: object) -> Change:
    """Return a maker of a projection between two contracts."""
    told = {"reversible": False, **parts}
    return lambda: Projection.model_validate({"source": contract(1, *fields), "target": contract(2, *to), **told})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (between(text("a"), to=(text("a"), flag("b"))), "b of toy_v2 comes from nowhere"),
        (between(text("a"), flag("b"), to=(text("a"),)), "b of toy_v1 goes nowhere"),
        (between(text("a"), to=(number("a"),)), "a is a string and a a number; a projection converts nothing"),
        (between(number("a"), to=(number("a", 0, 49),)), "a allows number from 0 to 50, which goes beyond a"),
        (between(text("a", nullable=True), to=(text("a"),)), "a may be null and a may not"),
        (between(text("a", "x", "y"), to=(text("a", "x"),)), "a 'y' becomes 'y'; a allows one of x"),
        (between(text("a"), to=(text("a", "x"),)), "a allows string, which goes beyond a: one of x"),
        (between(text("a"), to=(text("a", pattern="^x$"),)), "which goes beyond a: string matching"),
        (
            between(text("a", "x"), to=(text("a", "x"),), mapped=[Mapped(field="a", values={"z": "x"}, because="-")]),
            "'z' of a is mapped, but a does not allow it",
        ),
        (
            between(text("a"), to=(text("a"),), mapped=[Mapped(field="a", values={"z": "x"}, because="-")]),
            "a has no vocabulary",
        ),
        (
            between(number("a"), to=(number("a"),), mapped=[Mapped(field="a", values={"1": "2"}, because="-")]),
            "values of a are mapped",
        ),
        (
            between(text("a"), to=(text("a"), flag("b")), added=[Added(field="b", value=0, because="-")]),
            "b is added as 0; allowed: boolean",
        ),
        (
            between(text("a"), to=(text("a"), moment("b")), added=[Added(field="b", value="noon", because="-")]),
            "b is added as 'noon'; allowed: RFC 3339 timestamp",
        ),
        (
            between(text("a"), flag("b"), to=(text("a"),), dropped=[Dropped(field="b", because="-")], reversible=True),
            "b is dropped and nothing could fill it again",
        ),
        (between(text("a"), to=(text("a"),), renamed=[Renamed(old="x", new="a")]), "x is no field of toy_v1"),
        (
            between(
                text("a"), to=(text("b"), text("c")), renamed=[Renamed(old="a", new="b"), Renamed(old="a", new="c")]
            ),
            "a is spoken of 2 times",
        ),
        (lambda: Projection(source=V1, target=V1, reversible=True), "a contract needs no projection to itself"),
    ],
)
def test_projection_that_leaves_something_open_is_refused(make: Change, said: str) -> None:
    """When it is declared, naming the field; no request ever meets it."""
    with pytest.raises(ValidationError) as refusal:
        make()
    assert said in str(refusal.value)


def test_reason_for_a_constant_must_be_given() -> None:
    """Whoever reads it later must know why all old requests say the same."""
    with pytest.raises(ValidationError, match="because"):
        Added(field="fragile", value=False, because="")
