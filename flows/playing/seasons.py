"""The third act: months go by, the world moves, and the model is kept up with it.

Between two stretches of traffic only events come in, so that a year fits into minutes. At the end of each played day
the flow `watch` looks; when it calls for a training, Prefect's trigger begins one, and the new version earns its
traffic like any other while the stretch goes on.
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
from lifecycle.training import OPEN, Training
from stores.ledger.alarms import Alarms
from stores.ledger.standings import Standings
from stores.ledger.trainings import Trainings

AFTERWARDS = timedelta(hours=6)
"""Played on after a new version has come to its end, so that it is seen at work."""
TRAINING_SECONDS = 180.0
"""How long a training that was called for may take to begin and end before the play begins one itself."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Stretch:
    """Days of traffic, `after` the beginning of all traffic; it ends early when its story is told."""

    after: timedelta
    days_at_most: int
    quiet_days: int = 3
    """Without a call for a training by then, the stretch ends."""


STRETCHES = (Stretch(timedelta(days=75), 9), Stretch(timedelta(days=165), 9))
"""For a replay whose traffic begins in spring: early summer, and autumn."""


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
        for stretch in self._stretches:
            begin = scene.play.history_end + stretch.after
            end = begin + timedelta(days=stretch.days_at_most)
            if end > scene.play.definition.source_range[1] or begin < (scene.ledger.replay_at() or begin):
                continue
            self._pass_time(begin)
            self._play_stretch(begin, end, stretch)

    def _pass_time(self, until: datetime) -> None:
        scene = self._scene
        spans = list(steps(scene.ledger.replay_at() or scene.play.live_end, until, HISTORY_STEP))
        for _, end in scene.each("Time goes by, events come in", spans):
            scene.take_in(end)
        with scene.terminal.status("Building the features of these weeks"):
            materialize(scene.model)

    def _play_stretch(self, begin: datetime, end: datetime, stretch: Stretch) -> None:
        scene, last = self._scene, end
        quiet_until = begin + timedelta(days=stretch.quiet_days)
        for start, until in scene.each("Live traffic, watched", list(steps(begin, end, LIVE_STEP))):
            if start >= last:
                break
            self._hours.play(start, until)
            self._pace.keep(until)
            if until.hour == 0:
                self._look(begin)
            self._news.tell()
            asked = self._asked_since(begin)
            if last == end and (self._told(asked) if asked else until >= quiet_until):
                last = min(last, until + (AFTERWARDS if asked else timedelta(0)))
        materialize(scene.model)
        self._look(begin)
        self._news.tell()

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
        return tuple(one for one in self._trainings.of(self._scene.model) if one.asked_at >= begin)

    def _told(self, asked: Sequence[Training]) -> bool:
        """Return whether every training came to its end, and every version of them, too."""
        if any(one.state in OPEN for one in asked):
            return False
        standings = Standings(self._scene.engine).of(self._scene.model)
        made = [one.version for one in asked if one.version is not None]
        return all(version in standings and standings[version].stage in TOLD for version in made)
