"""Real flights: what the real views served is what stored rows say, and a clock an hour off is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feature_repo.definition import Columns
from feature_repo.feast_store import open_feature_store
from feature_repo.flight_delay import DEFINITION
from feature_repo.flight_delay.derived import derive
from flows.check_parity import Checked, check_model
from lifecycle.verdict import Verdict
from stores.ledger.opening import open_ledger
from stores.settings import Settings
from tests.flows.parity.serving import Served

HISTORY = datetime(2013, 1, 1, 5, tzinfo=UTC)
BEGIN = datetime(2013, 1, 3, 12, tzinfo=UTC)
END = BEGIN + timedelta(hours=12)


@pytest.fixture
def flights(home: Settings) -> Served:
    """Return the flights' stores with two and a half days of rows."""
    events = {stream.name: stream.read(DEFINITION.source_range[0], END) for stream in DEFINITION.streams}
    store = open_feature_store(DEFINITION, home.features)
    served = Served(DEFINITION, store, events, home, open_ledger(home.ledger_address))
    served.build(DEFINITION.source_range[0], BEGIN)
    return served


def an_hour_off(request: Columns, looked_up: Columns) -> Columns:
    """Return the derived features by a clock that is an hour ahead of New York's."""
    departure = request["scheduled_departure_at"] + 3600
    wrong = derive({**request, "scheduled_departure_at": departure}, looked_up)
    right = derive(request, looked_up)
    return {**right, **{name: wrong[name] for name in wrong if name.startswith("departure_")}}


def check(flights: Served) -> Checked:
    """Check the half day."""
    return check_model(DEFINITION, flights.config, flights.engine, since=BEGIN, until=END, tell=lambda *_: None)


def test_half_a_day_of_flights_was_served_what_is_stored(flights: Served) -> None:
    """Six views by four entities, planes that are not known yet, and rows made of one event among them."""
    assert flights.play(BEGIN, END, timedelta(hours=1)) > 300
    checked = check(flights)
    assert checked.verdict is Verdict.PASS, checked.findings
    assert checked.compared.rows == 200
    assert {one.feature: one.differing for one in checked.compared.features if one.differing} == {}
    assert all(one.largest_hours is not None and one.largest_hours <= 1 for one in checked.compared.views)


def test_a_clock_an_hour_off_is_found_and_named(flights: Served) -> None:
    """Hour and minute of the day differ in every answer, the weekday in those near midnight only."""
    flights.play(BEGIN, END, timedelta(hours=1), served_by=replace(DEFINITION, derive=an_hour_off))
    checked = check(flights)
    failed = [finding.rule_id for finding in checked.findings if finding.verdict is Verdict.FAIL]
    assert failed[:3] == ["parity", "parity:departure_hour", "parity:departure_minute_of_day"]
    (hour,) = [one for one in checked.compared.features if one.feature == "departure_hour"]
    assert hour.differing == 200
    assert hour.example is not None
    assert (hour.example.served - hour.example.recomputed) % 24 == 1
