"""What a version was asked and answered over some hours: the sum of what its gateways counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from lifecycle.profile import Profile
from stores.ledger.baselines import Baseline
from stores.ledger.profiles import Profiles


@dataclass(frozen=True)
class Counted:
    """The counts of some hours on a baseline's bins, with how many rows, hours and UTC days they are of.

    The profile's own `days` and `score_days` are set too.
    """

    profile: Profile
    rows: int
    hours: int
    days: int


def current_counts(engine: Engine, baseline: Baseline, since: datetime, until: datetime) -> Counted:
    """Return what is counted of a version in the hours that begin in [since, until), in event time.

    It reads one row for each hour and replica, whatever the traffic. Counts of the last ten seconds or so may be
    missing: they are shipped, counted and written by then.
    """
    profiles = Profiles(engine)
    rows = profiles.rows(baseline.model, baseline.version, since, until)
    days = len({at.date() for at, count in rows.items() if count})
    total = profiles.total(baseline.model, baseline.version, baseline.profile, since, until)
    profile = total.model_copy(update={"days": days, "score_days": days})
    return Counted(profile, total.rows, sum(count > 0 for count in rows.values()), days)
