"""The vectorised wall clock agrees with the standard library's."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.local_time import local_seconds

WITHIN = st.datetimes(datetime(1991, 1, 1), datetime(2059, 1, 1))  # noqa: DTZ001 - hypothesis takes naive bounds


def _expected(moment: datetime, zone: str) -> int:
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return int(local.timestamp())


@settings(deadline=None)
@given(WITHIN, st.sampled_from(["America/New_York", "Europe/Dublin", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"]))
def test_wall_clock_equals_the_standard_librarys(moment: datetime, zone: str) -> None:
    """For any second of seventy years."""
    aware = moment.replace(tzinfo=UTC, microsecond=0)
    assert local_seconds(np.array([aware.timestamp()]), zone)[0] == _expected(aware, zone)


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2013-03-10T06:59:59Z", 1),
        ("2013-03-10T07:00:00Z", 3),
        ("2013-11-03T05:59:59Z", 1),
        ("2013-11-03T06:00:00Z", 1),
        ("2013-11-03T07:00:00Z", 2),
    ],
)
def test_clock_springs_and_falls_at_the_right_second(moment: str, hour: int) -> None:
    """New York's clock in 2013: 2 o'clock is skipped in March and 1 o'clock comes twice in November."""
    epoch = np.array([datetime.fromisoformat(moment).timestamp()])
    assert local_seconds(epoch, "America/New_York")[0] // 3600 % 24 == hour
