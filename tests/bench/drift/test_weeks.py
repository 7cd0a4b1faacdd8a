"""Real weeks of weather, as the benchmark has them."""

from tests.bench.drift.weeks import WEEKS, weeks_beside_the_others


def test_weather_of_a_week_is_no_drift_when_rows_come_by_days() -> None:
    """Independent p-values find that every week of a winter has moved; by days, only few have.

    Clocks went forward on 10 March, so that the hours of schedules in UTC did move for three weeks.
    """
    found = weeks_beside_the_others()
    alone, by_days = found["as_if_independent"], found["by_days"]
    assert isinstance(alone, dict)
    assert isinstance(by_days, dict)
    assert alone["weeks_with_a_move"] == WEEKS
    assert by_days["moves"] <= 5
    assert by_days["weeks_by_column"]["hour"] == 3
