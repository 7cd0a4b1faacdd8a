"""A policy is held against what its model's definition has."""

from pathlib import Path

import pytest

from feature_repo.definition import ModelDefinition
from feature_repo.fit import policy_misfits, require_fit, slice_names
from feature_repo.flight_delay import DEFINITION
from lifecycle.errors import PolicyInvalid
from lifecycle.policy import Policy
from stores.policies import load_policy
from tests.feature_repo.shops import SHOPS

SHIPPED = load_policy(Path(__file__).parents[2] / "policies", "flight_delay")


def with_slices(name: str) -> Policy:
    """Return the shipped policy with another name in place of the carrier in every rule."""
    text = SHIPPED.model_dump_json().replace('"in_slices_of":["carrier"', f'"in_slices_of":["{name}"')
    return Policy.model_validate_json(text)


@pytest.mark.parametrize(
    ("definition", "names"), [(DEFINITION, ("carrier", "origin", "hour_block")), (SHOPS, ("shop",))]
)
def test_names_of_slices_are_those_the_definition_gives(definition: ModelDefinition, names: tuple[str, ...]) -> None:
    """Asked of the contract's own example, so that nobody has to list them a second time."""
    assert slice_names(definition) == names


def test_shipped_policy_fits_its_model() -> None:
    """Nothing is said of it."""
    require_fit(SHIPPED, DEFINITION)


def test_every_rule_over_a_slice_that_is_not_there_is_named_with_its_place() -> None:
    """The gate's, the rollout's and those of quality, with what is allowed."""
    misfits = policy_misfits(with_slices("airline"), DEFINITION)
    places = [misfit.where[:-1] for misfit in misfits]
    assert [place[0] for place in places] == ["offline_gate", "rollout", "rollout"]
    assert all(place[-1] == "in_slices_of" for place in places)
    assert misfits[1].reason == (
        "shadow-quality-by-carrier asks for slices of 'airline', which flight_delay does not have; Allowed: carrier, "
        "origin, hour_block"
    )
    with pytest.raises(
        PolicyInvalid, match=r"rollout\.rules\[\d+\]\.when\.in_slices_of\[0\]: shadow-quality-by-carrier"
    ):
        require_fit(with_slices("airline"), DEFINITION)
