"""The suites of flight_delay: what schedules, outcomes, weather, planes, training sets and predictions look like.

A limit that a row breaks sets that row aside; a limit on the batch refuses it. The numbers come from the year 2013
and from what can be: the furthest flight, the worst storm, the oldest plane.
"""

import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column as Where

from expectations.kinds import Column
from expectations.suite import Suite
from lifecycle.contract import FieldType
from lifecycle.intake import BadRowLimit, VolumeLimit

STRING = Column(FieldType.STRING)
STRING_OR_NULL = Column(FieldType.STRING, nullable=True)
INTEGER = Column(FieldType.INTEGER)
NUMBER = Column(FieldType.NUMBER)
NUMBER_OR_NULL = Column(FieldType.NUMBER, nullable=True)
TIME = Column(FieldType.TIMESTAMP)
TIME_OR_NULL = Column(FieldType.TIMESTAMP, nullable=True)

CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]
ORIGINS = ["EWR", "JFK", "LGA"]
KEY = ["carrier", "flight", "origin", "dest", "scheduled_departure_at"]

BAD_ROWS = BadRowLimit(rows=3, share=0.05)
FLIGHTS_A_DAY = VolumeLimit(share=0.65, spread=3.0, rows_per_day=900)
"""Over 2013 it would have stopped 8 of 8,559 hourly schedules, all for Thanksgiving, and seen 98% of halved days."""
WEATHER_A_DAY = VolumeLimit(share=0.65, spread=0.0, rows_per_day=72)
"""Three airports report every hour, so the count hardly varies: the thinnest day of 2013 had 79%."""

FLIGHT_ROWS = (
    gxe.ExpectColumnValuesToBeInSet(column="carrier", value_set=CARRIERS),
    gxe.ExpectColumnValuesToBeBetween(column="flight", min_value=1, max_value=9999),
    gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=ORIGINS),
    gxe.ExpectColumnValuesToMatchRegex(column="dest", regex="^[A-Z]{3}$"),
    gxe.ExpectColumnValuesToMatchRegex(column="tail_number", regex="^[A-Z0-9]{3,7}$"),
)

SCHEDULES = Suite(
    columns={
        "carrier": STRING,
        "flight": INTEGER,
        "origin": STRING,
        "dest": STRING,
        "tail_number": STRING_OR_NULL,
        "distance_miles": NUMBER,
        "scheduled_departure_at": TIME,
        "scheduled_arrival_at": TIME,
        "known_at": TIME,
    },
    rows=(
        *FLIGHT_ROWS,
        gxe.ExpectColumnValuesToBeBetween(column="distance_miles", min_value=10, max_value=6000),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="scheduled_arrival_at", column_B="scheduled_departure_at"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="scheduled_departure_at", column_B="known_at"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[*KEY, "known_at"]),
    ),
    # Only cancelled flights lack a tail number; in the blizzard of 8 February that was half of an hour's.
    batch=(gxe.ExpectColumnValuesToNotBeNull(column="tail_number", mostly=0.5),),
    bad_rows=BAD_ROWS,
    volume=FLIGHTS_A_DAY,
    freshness_hours=9,
)

OUTCOMES = Suite(
    columns={
        "carrier": STRING,
        "flight": INTEGER,
        "origin": STRING,
        "dest": STRING,
        "tail_number": STRING_OR_NULL,
        "scheduled_departure_at": TIME,
        "status": STRING,
        "departed_at": TIME_OR_NULL,
        "landed_at": TIME_OR_NULL,
        "departure_delay_minutes": NUMBER_OR_NULL,
        "arrival_delay_minutes": NUMBER_OR_NULL,
        "known_at": TIME,
    },
    rows=(
        *FLIGHT_ROWS,
        gxe.ExpectColumnValuesToBeInSet(column="status", value_set=["landed", "cancelled", "diverted"]),
        gxe.ExpectColumnValuesToBeBetween(column="departure_delay_minutes", min_value=-90, max_value=2880),
        gxe.ExpectColumnValuesToBeBetween(column="arrival_delay_minutes", min_value=-180, max_value=2880),
        gxe.ExpectColumnValuesToNotBeNull(column="arrival_delay_minutes", row_condition=Where("status") == "landed"),
        gxe.ExpectColumnValuesToNotBeNull(column="landed_at", row_condition=Where("status") == "landed"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="landed_at", column_B="departed_at", ignore_row_if="either_value_is_missing"
        ),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="known_at", column_B="landed_at", or_equal=True, ignore_row_if="either_value_is_missing"
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[*KEY, "known_at"]),
    ),
    batch=(gxe.ExpectColumnValuesToNotBeNull(column="tail_number", mostly=0.5),),
    bad_rows=BAD_ROWS,
    volume=FLIGHTS_A_DAY,
    freshness_hours=6,
)

WEATHER = Suite(
    columns={
        "origin": STRING,
        "observed_at": TIME,
        "temperature_f": NUMBER_OR_NULL,
        "dew_point_f": NUMBER_OR_NULL,
        "humidity_percent": NUMBER_OR_NULL,
        "wind_direction_degrees": NUMBER_OR_NULL,
        "wind_speed_mph": NUMBER_OR_NULL,
        "wind_gust_mph": NUMBER_OR_NULL,
        "precipitation_inches": NUMBER_OR_NULL,
        "pressure_millibars": NUMBER_OR_NULL,
        "visibility_miles": NUMBER_OR_NULL,
        "known_at": TIME,
    },
    rows=(
        gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=ORIGINS),
        gxe.ExpectColumnValuesToBeBetween(column="temperature_f", min_value=-40, max_value=130),
        gxe.ExpectColumnValuesToBeBetween(column="dew_point_f", min_value=-60, max_value=100),
        gxe.ExpectColumnValuesToBeBetween(column="humidity_percent", min_value=0, max_value=100),
        gxe.ExpectColumnValuesToBeBetween(column="wind_direction_degrees", min_value=0, max_value=360),
        gxe.ExpectColumnValuesToBeBetween(column="wind_speed_mph", min_value=0, max_value=200),
        gxe.ExpectColumnValuesToBeBetween(column="wind_gust_mph", min_value=0, max_value=250),
        gxe.ExpectColumnValuesToBeBetween(column="precipitation_inches", min_value=0, max_value=12),
        gxe.ExpectColumnValuesToBeBetween(column="pressure_millibars", min_value=870, max_value=1085),
        gxe.ExpectColumnValuesToBeBetween(column="visibility_miles", min_value=0, max_value=100),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="known_at", column_B="observed_at", or_equal=True),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["origin", "observed_at", "known_at"]),
    ),
    batch=(gxe.ExpectColumnValuesToNotBeNull(column="temperature_f", mostly=0.9),),
    bad_rows=BAD_ROWS,
    volume=WEATHER_A_DAY,
    freshness_hours=9,
)

PLANES = Suite(
    columns={
        "tail_number": STRING,
        "built_year": NUMBER_OR_NULL,
        "seats": INTEGER,
        "engines": INTEGER,
        "manufacturer": STRING,
        "known_at": TIME,
    },
    rows=(
        gxe.ExpectColumnValuesToMatchRegex(column="tail_number", regex="^[A-Z0-9]{3,7}$"),
        gxe.ExpectColumnValuesToBeBetween(column="built_year", min_value=1940, max_value=2013),
        gxe.ExpectColumnValuesToBeBetween(column="seats", min_value=1, max_value=900),
        gxe.ExpectColumnValuesToBeBetween(column="engines", min_value=1, max_value=8),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["tail_number", "known_at"]),
    ),
    batch=(gxe.ExpectColumnValuesToNotBeNull(column="built_year", mostly=0.95),),
    bad_rows=BAD_ROWS,
    volume=None,
    freshness_hours=None,
)

TRAINING_SET = Suite(
    columns={
        "example_id": STRING,
        "event_timestamp": TIME,
        "label_known_at": TIME,
        "label": INTEGER,
        "carrier": STRING,
        "flight": INTEGER,
        "origin": STRING,
        "dest": STRING,
        "tail_number": STRING_OR_NULL,
        "scheduled_departure_at": TIME,
        "scheduled_arrival_at": TIME,
        "distance_miles": NUMBER,
    },
    rows=(
        *FLIGHT_ROWS,
        gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
        gxe.ExpectColumnValuesToBeUnique(column="example_id"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="label_known_at", column_B="event_timestamp"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="scheduled_departure_at", column_B="event_timestamp"),
    ),
    batch=(
        gxe.ExpectTableRowCountToBeBetween(min_value=1000),
        gxe.ExpectColumnMeanToBeBetween(column="label", min_value=0.02, max_value=0.8),
    ),
    # Every row was taken in through its stream's suite: one that is bad now was made so on the way.
    bad_rows=BadRowLimit(rows=0, share=0.0),
    volume=None,
    freshness_hours=None,
    other_columns=True,
)

SERVED_PREDICTIONS = Suite(
    columns={
        "prediction_id": STRING,
        "version": STRING,
        "request": STRING,
        "score": NUMBER,
        "decision": STRING,
        "served_at": TIME,
        "moment_at": TIME,
    },
    rows=(
        gxe.ExpectColumnValuesToBeUnique(column="prediction_id"),
        gxe.ExpectColumnValuesToBeBetween(column="score", min_value=0, max_value=1),
    ),
    batch=(),
    bad_rows=BadRowLimit(rows=0, share=0.0),
    volume=None,
    freshness_hours=None,
    other_columns=True,
)

SUITES = {
    "schedules": SCHEDULES,
    "outcomes": OUTCOMES,
    "weather": WEATHER,
    "planes": PLANES,
    "training_set": TRAINING_SET,
    "served_predictions": SERVED_PREDICTIONS,
}
