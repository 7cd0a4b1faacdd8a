"""Flight delays: asked two hours before departure, whether a flight will arrive more than 15 minutes late."""

from datetime import timedelta

from feature_repo.definition import ModelDefinition
from feature_repo.flight_delay.contract import CONTRACT
from feature_repo.flight_delay.derived import DERIVED, derive
from feature_repo.flight_delay.examples import examples, requests
from feature_repo.flight_delay.request import entity_keys, example_ids, prediction_moments, slices
from feature_repo.flight_delay.source import SOURCE_RANGE, STREAMS
from feature_repo.flight_delay.views import VIEWS

NOT_IN_THE_VECTOR = {"last_landed_at_epoch", "built_year"}
"""Points in time: a model would learn the calendar from them. Derived features turn them into ages."""

DEFINITION = ModelDefinition(
    name="flight_delay",
    contract=CONTRACT,
    entities={
        "carrier": "The operating airline, by IATA code",
        "origin": "The airport the flight leaves from, by IATA code",
        "route": "Origin and destination, such as EWR-IAH",
        "tail_number": "The plane, by registration",
    },
    streams=STREAMS,
    views=VIEWS,
    derived=DERIVED,
    vector=tuple(
        feature.name
        for feature in (*(feature for view in VIEWS for feature in view.features), *DERIVED)
        if feature.name not in NOT_IN_THE_VECTOR
    ),
    prediction_moments=prediction_moments,
    example_ids=example_ids,
    entity_keys=entity_keys,
    derive=derive,
    lookback=timedelta(hours=24),
    requests=requests,
    examples=examples,
    slices=slices,
    rule_feature="route_late_rate_7d",
    source_range=SOURCE_RANGE,
)
