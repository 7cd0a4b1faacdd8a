"""The third act: months go by, the world moves, and the model is kept up with it.

Between two stretches of traffic only events come in, so that a year fits into minutes. Once there is a week
of answers the flow `watch` looks at the end of each day; when it calls for a training, Prefect's trigger begins
one, and the new version earns its traffic like any other while the stretch goes on. Where that is a stretch's whole
story, it is looked at once more at its end only.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.materialize import materialize
from flows.measure import measure
from flows.playing.hours import LIVE_STEP, Hours
from flows.playing.learning import HISTORY_STEP
from flows.playing.news import News
from flows.playing.pace import Pace
from flows.playing.plan import steps
from flows.playing.scene import Scene
from flows.playing.trials import TOLD
from flows.retrain import retrain
from flows.watch import watch
from lifecycle.training import OPEN, Training, TrainingState
from stores.ledger.alarms import Alarms
from stores.ledger.standings import Standings
from stores.ledger.trainings import Trainings

AFTERWARDS = timedelta(days=1)
"""Played on after a new version has come to its end, so that it is seen at work."""
TRAINING_SECONDS = 180.0
"""How long a training that was called for may take to begin and end before the play begins one itself."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Stretch:
    """Days of traffic, from `after_days` after the beginning of all traffic on, or from where the clock stands.

    It ends early when its story is told: every version that was trained in it has come to its end. Without
    `days_at_most` it goes on to the source's end, whatever happens.
    """

    after_days: int | None = None
    days_at_most: int | None = None


STRETCHES = (Stretch(75, 14), Stretch(165, 2))
"""For a replay whose traffic begins in spring: early summer, until a new version stands, and some days of autumn."""
EVERY_DAY = (Stretch(),)
FIRST_LOOK = timedelta(days=6)
"""Weekdays differ, so a look says little before."""


class Seasons:
    """Plays stretches of one scene's source, one after the other."""

    def __init__(self, scene: Scene, hours: Hours, stretches: Sequence[Stretch]) -> None:
        self._scene = scene
        self._hours = hours
        self._stretches = stretches
        self._pace = Pace(scene)
        self._news = News(scene)
        self._trainings = Trainings(scene.engine)

    def play(self) -> None:
        """Play every stretch that the source still has."""
        scene = self._scene
        source_end = scene.play.definition.source_range[1]
        for stretch in self._stretches:
            now = scene.ledger.replay_at() or scene.play.live_end
            begin = now if stretch.after_days is None else scene.play.history_end + timedelta(stretch.after_days)
            whole = stretch.days_at_most is None
            end = source_end if stretch.days_at_most is None else begin + timedelta(stretch.days_at_most)
            if begin < now or end > source_end:
                continue
            self._pass_time(now, begin)
            self._play_stretch(begin, end, whole=whole)

    def _pass_time(self, now: datetime, until: datetime) -> None:
        scene = self._scene
        spans = list(steps(now, until, HISTORY_STEP))
        if not spans:
            return
        for _, end in scene.each("Time goes by, events come in", spans):
            scene.take_in(end)
        with scene.terminal.status("Building the features of these weeks"):
            materialize(scene.model)

    def _play_stretch(self, begin: datetime, end: datetime, *, whole: bool) -> None:
        scene, last = self._scene, end
        for start, until in scene.each("Live traffic, watched", list(steps(begin, end, LIVE_STEP))):
            if start >= last:
                break
            self._hours.play(start, until)
            self._pace.keep(until)
            if until.hour == 0 and until >= begin + FIRST_LOOK and (whole or not self._asked_since(begin)):
                self._look(begin)
            self._news.tell()
            if not whole and last == end:
                last = min(end, self._last(begin, until, end))
        materialize(scene.model)
        self._look(begin)

    def _last(self, begin: datetime, now: datetime, end: datetime) -> datetime:
        """Return when the stretch ends, by what it has come to so far."""
        asked = self._asked_since(begin)
        return now + AFTERWARDS if asked and self._told(asked) else end

    def _look(self, begin: datetime) -> None:
        """Measure, look, and let a training that the look called for come to its end."""
        scene = self._scene
        with scene.terminal.status("Looking at the last days: quality, drift, what is missing"):
            measure(scene.model)
            watch(scene.model)
        self._news.tell()
        calls = any(alarm.concern.then == "retrain" for alarm in Alarms(scene.engine).standing(scene.model))
        if calls and not self._asked_since(begin):
            with scene.terminal.status("A training is called for; Prefect begins it and the offline gate judges it"):
                self._await_training(begin)

    def _await_training(self, begin: datetime) -> None:
        deadline = time.monotonic() + TRAINING_SECONDS
        while time.monotonic() < deadline:
            asked = self._asked_since(begin)
            if asked and all(one.state not in OPEN for one in asked):
                return
            time.sleep(LOOK_SECONDS)
        if not self._asked_since(begin):
            self._scene.terminal.print(
                f"  [yellow]Prefect began no training[/yellow] within {TRAINING_SECONDS:.0f} s; it is begun here, as "
                "its daily schedule would. Look at worker.log in the state folder's run/.",
                highlight=False,
            )
            retrain(self._scene.model)

    def _asked_since(self, begin: datetime) -> tuple[Training, ...]:
        # One that was held for lack of rows counts as if nobody had asked.
        mine = self._trainings.of(self._scene.model)
        return tuple(one for one in mine if one.asked_at >= begin and one.state is not TrainingState.HELD)

    def _told(self, asked: Sequence[Training]) -> bool:
        """Return whether every training came to its end, and every version of them, too."""
        if any(one.state in OPEN for one in asked):
            return False
        standings = Standings(self._scene.engine).of(self._scene.model)
        made = [one.version for one in asked if one.version is not None]
        return all(version in standings and standings[version].stage in TOLD for version in made)
