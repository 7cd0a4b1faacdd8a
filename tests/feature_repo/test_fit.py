"""A policy is held against what its model's definition has."""

from pathlib import Path

import pytest

from feature_repo.definition import ModelDefinition
from feature_repo.feeds import feeds_of, not_recomputable
from feature_repo.fit import policy_misfits, require_fit, slice_names
from feature_repo.flight_delay import DEFINITION
from lifecycle.errors import PolicyInvalid
from lifecycle.log_policy import Feeds, LogPolicy, log_misfits
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


def hiding(*fields: tuple[str, str], features: tuple[str, ...] = ()) -> Policy:
    """Return the shipped policy with a log that hides fields, each in its way, and drops features."""
    written = {
        "fields": [{"name": name, "keep": keep, "because": "So it is."} for name, keep in fields],
        "dropped_features": [{"name": name, "because": "So it is."} for name in features],
    }
    return Policy.model_validate(SHIPPED.model_dump() | {"log": written})


def test_log_that_hides_what_nothing_else_rests_on_fits() -> None:
    """A text as a hash, also of the unit; a feature."""
    assert policy_misfits(hiding(("tail_number", "hash"), features=("seats", "plane_age_years")), DEFINITION) == ()


@pytest.mark.parametrize(
    ("fields", "features", "said"),
    [
        ((("dest", "hash"),), (), "log.fields[0].name: 'dest' is part of the example id, by which outcomes find"),
        ((("flight", "nothing"),), (), "log.fields[0].name: 'flight' is part of the example id"),
        (
            (("tail_number", "nothing"),),
            (),
            "'tail_number' is of the rollout's unit, whose answers are judged together",
        ),
        (
            (("distance_miles", "hash"),),
            (),
            "'distance_miles' is of type number, and only a text can be kept as a hash",
        ),
        ((("distance_miles", "nothing"),), (), "'distance_miles' may not be null by contract"),
        ((("plane", "hash"),), (), "log.fields[0].name: 'plane' is no field of contract flight_delay_v1"),
        ((), ("wings",), "log.dropped_features[0].name: 'wings' is no feature of flight_delay"),
        ((("tail_number", "hash"),) * 2, (), "log.fields[1].name: 'tail_number' is there already"),
        ((), ("seats", "seats"), "log.dropped_features[1].name: 'seats' is there already"),
    ],
)
def test_log_that_hides_what_something_else_rests_on_is_refused(
    fields: tuple[tuple[str, str], ...], features: tuple[str, ...], said: str
) -> None:
    """With the reason, and what is allowed."""
    (misfit,) = policy_misfits(hiding(*fields, features=features), DEFINITION)
    assert said in str(misfit)


def test_field_that_decides_a_slice_or_the_moment_must_be_kept() -> None:
    """Found by changing it in the contract's example: by the hour as by the day."""
    assert feeds_of(DEFINITION) == Feeds(
        example_ids=frozenset({"carrier", "flight", "origin", "dest", "scheduled_departure_at"}),
        moments=frozenset({"scheduled_departure_at"}),
        slices=frozenset({"carrier", "origin", "scheduled_departure_at"}),
    )
    (misfit,) = log_misfits(
        hiding(("shop", "hash")).log or LogPolicy(fields=(), dropped_features=()),
        SHOPS.contract,
        (),
        (),
        feeds_of(SHOPS),
    )
    assert "keep it" in misfit.reason


def test_features_that_follow_from_a_hidden_field_cannot_be_computed_again() -> None:
    """Those looked up by it, and every derived one; of one that is dropped only itself."""
    lost = not_recomputable(DEFINITION, {"tail_number"}, ())
    assert {"seats", "plane_age_years", "minutes_since_plane_landed"} <= lost
    assert not {"origin_late_rate_3h", "carrier_late_rate_7d", "route_late_rate_7d"} & lost
    assert not_recomputable(DEFINITION, (), ("seats",)) == {"seats"}
