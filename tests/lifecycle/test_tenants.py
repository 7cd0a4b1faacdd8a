"""Keys and roles: what opens the door, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput, NotPermitted
from lifecycle.priority import Priority, priority_named
from lifecycle.tenants import ApiKey, Role, Tenant, digest_of, fits, parts_of, written_key

ID, SECRET = "0123456789ab", "5e" * 32
KEY = ApiKey(ID, "acme", Role.PREDICT, digest_of(SECRET), None, datetime(2013, 4, 1, tzinfo=UTC))


def test_key_is_read_back_into_its_parts() -> None:
    """Its holder's text holds the id, by which it is found, and the secret."""
    assert parts_of(written_key(ID, SECRET)) == (ID, SECRET)


@given(st.text(max_size=200))
def test_anything_else_is_no_key_and_is_never_repeated(text: str) -> None:
    """What somebody shows by mistake may be another secret."""
    with pytest.raises(NotPermitted) as refused:
        parts_of(f"x{text}")
    assert len(text) < 5 or text not in str(refused.value)


def test_only_the_right_secret_of_a_standing_key_fits() -> None:
    """Unknown, wrong and revoked are refused alike."""
    revoked = replace(KEY, revoked_at=datetime(2013, 4, 2, tzinfo=UTC))
    assert fits(SECRET, KEY)
    assert not fits("00" * 32, KEY)
    assert not fits(SECRET, None)
    assert not fits(SECRET, revoked)


def test_no_secret_fits_the_digest_that_stands_for_an_unknown_key() -> None:
    """A digest of zeros belongs to nobody."""
    assert not fits(SECRET, replace(KEY, digest="0" * 64))


@pytest.mark.parametrize(("role", "may"), [(role, list(Role)[: at + 1]) for at, role in enumerate(Role)])
def test_role_may_what_those_before_it_may(role: Role, may: list[Role]) -> None:
    """And nothing of those after it."""
    assert [other for other in Role if role.includes(other)] == may


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Acme Inc"}, "'Acme Inc'"),
        ({"name": ""}, "''"),
        ({"per_second": 0.0}, "0 requests per second"),
        ({"per_second": float("nan")}, "nan"),
        ({"burst": 0}, "0 requests"),
    ],
)
def test_tenant_that_makes_no_sense_is_refused(changes: dict[str, object], says: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(InvalidInput, match=says):
        replace(Tenant("acme", 10.0, 20, Priority.STANDARD), **changes)  # type: ignore[arg-type]


def test_unknown_priority_names_those_there_are() -> None:
    """No word stands for another."""
    with pytest.raises(InvalidInput, match="'urgent'; allowed: interactive, standard, backfill"):
        priority_named("urgent")
