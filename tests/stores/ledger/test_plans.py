"""Traffic plans are written by compare-and-set."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from lifecycle.errors import Conflict
from lifecycle.plan import empty_plan
from stores.ledger.plans import Plans

NOW = datetime(2013, 4, 1, tzinfo=UTC)

RACER = """
import sys
from datetime import UTC, datetime
from lifecycle.errors import Conflict
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
plans = Plans(open_ledger(sys.argv[1]))
won = 0
for round in range(20):
    plan = plans.current("m")
    try:
        plans.write(plan.promote(f"{sys.argv[2]}-{round}", datetime.now(UTC)), datetime.now(UTC))
        won += 1
    except Conflict:
        pass
print(won)
"""


def test_a_model_without_a_plan_has_revision_zero(ledger: Engine) -> None:
    """Nothing serves before the first plan."""
    assert Plans(ledger).current("m") == empty_plan("m")


def test_a_written_plan_is_the_current_one(ledger: Engine) -> None:
    """The newest revision stands, with its way back."""
    plans = Plans(ledger)
    plans.write(empty_plan("m").promote("1", NOW), NOW)
    plans.write(plans.current("m").promote("2", NOW), NOW)
    current = plans.current("m")
    assert (current.revision, current.champion, current.previous) == (2, "2", "1")
    assert plans.since("m") == NOW
    assert plans.models() == ("m",)


def test_a_plan_made_from_a_stale_revision_is_refused(ledger: Engine) -> None:
    """Two decisions from one revision cannot both stand."""
    plans = Plans(ledger)
    first = empty_plan("m").promote("1", NOW)
    plans.write(first, NOW)
    with pytest.raises(Conflict, match="but 1 stands now"):
        plans.write(empty_plan("m").promote("2", NOW), NOW)
    assert plans.current("m") == first


def test_racing_processes_write_every_revision_once(ledger: Engine) -> None:
    """Real processes racing for the same revisions leave no gap and no overwrite."""
    address = ledger.url.render_as_string(hide_password=False)
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, address, name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    won = sum(int(racer.communicate(timeout=60)[0]) for racer in racers)
    assert all(racer.returncode == 0 for racer in racers)
    assert Plans(ledger).current("m").revision == won > 0
