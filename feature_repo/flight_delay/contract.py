"""The input contract of the flight delay model: what a caller says about one scheduled flight."""

from lifecycle.contract import Contract, Field, FieldType

CONTRACT = Contract(
    model="flight_delay",
    version=1,
    fields=(
        Field(
            name="carrier",
            type=FieldType.STRING,
            description="IATA code of the operating airline",
            example="UA",
            pattern="^[0-9A-Z]{2}$",
        ),
        Field(
            name="flight",
            type=FieldType.INTEGER,
            description="Flight number without the airline's code",
            example=1545,
            minimum=1,
            maximum=9999,
        ),
        Field(
            name="origin",
            type=FieldType.STRING,
            description="IATA code of the airport the flight leaves from",
            example="EWR",
            allowed=("EWR", "JFK", "LGA"),
        ),
        Field(
            name="dest",
            type=FieldType.STRING,
            description="IATA code of the airport the flight goes to",
            example="IAH",
            pattern="^[A-Z]{3}$",
        ),
        Field(
            name="tail_number",
            type=FieldType.STRING,
            description="Registration of the plane that is to fly; null when none is assigned yet",
            example="N14228",
            nullable=True,
            pattern="^[A-Z0-9]{3,7}$",
        ),
        Field(
            name="scheduled_departure_at",
            type=FieldType.TIMESTAMP,
            description="Scheduled departure",
            example="2013-04-01T14:30:00Z",
        ),
        Field(
            name="scheduled_arrival_at",
            type=FieldType.TIMESTAMP,
            description="Scheduled arrival",
            example="2013-04-01T18:25:00Z",
        ),
        Field(
            name="distance_miles",
            type=FieldType.NUMBER,
            description="Distance between the two airports",
            example=1400.0,
            minimum=10,
            maximum=6000,
        ),
    ),
)
