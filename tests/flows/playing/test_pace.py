"""A play waits for supervise while a version is on trial, and never for good."""

from datetime import timedelta
from io import StringIO
from threading import Timer
from time import monotonic

from flows.playing.pace import LEAD, Pace
from flows.playing.scene import Scene
from lifecycle.plan import empty_plan
from tests.flows.playing.conftest import LIVE

SOON = 0.3


def put_on_trial(scene: Scene) -> None:
    """Make version 1 champion and put version 2 in shadow."""
    first = empty_plan("toy").promote("1", LIVE)
    for plan in (first, first.start_shadow("2", LIVE)):
        scene.plans.write(plan, LIVE)


def judge_until(scene: Scene, hours: float) -> None:
    """Set supervise's mark."""
    scene.ledger.advance("supervise:toy", LIVE + timedelta(hours=hours))


def test_traffic_with_nothing_on_trial_waits_for_nobody(scene: Scene) -> None:
    """Without supervise the champion is served all the same."""
    pace = Pace(scene, patience_seconds=30)
    began = monotonic()
    pace.keep(LIVE + timedelta(days=3))
    assert monotonic() - began < SOON


def test_traffic_within_the_lead_goes_on_at_once(scene: Scene) -> None:
    """What was judged up to a few hours ago is recent enough."""
    put_on_trial(scene)
    judge_until(scene, 1)
    pace = Pace(scene, patience_seconds=30)
    began = monotonic()
    pace.keep(LIVE + timedelta(hours=1) + LEAD)
    assert monotonic() - began < SOON


def test_traffic_ahead_waits_until_supervise_has_judged(scene: Scene, said: StringIO) -> None:
    """It goes on as soon as the mark moves, and says nothing."""
    put_on_trial(scene)
    later = Timer(SOON, judge_until, (scene, 5))
    later.start()
    pace = Pace(scene, patience_seconds=30)
    pace.keep(LIVE + timedelta(hours=5) + LEAD)
    later.join()
    assert SOON <= pace.waited_seconds < 5
    assert said.getvalue() == ""


def test_patience_ends_with_one_message_and_comes_back_with_supervise(scene: Scene, said: StringIO) -> None:
    """Traffic goes on without supervise, and waits again once it has caught up."""
    put_on_trial(scene)
    pace = Pace(scene, patience_seconds=SOON)
    for hours in (5, 6, 7):
        pace.keep(LIVE + timedelta(hours=hours))
    assert pace.waited_seconds < 2 * SOON
    assert said.getvalue().count("supervise has judged up to nothing yet") == 1
    judge_until(scene, 8)
    pace.keep(LIVE + timedelta(hours=8))
    pace.keep(LIVE + timedelta(hours=12))
    assert said.getvalue().count("supervise has judged up to 11 Jan 08:00") == 1
