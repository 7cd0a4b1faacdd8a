"""The second act: live traffic hour by hour, labels following, and versions on trial beside the champion."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flows.challengers.cast import Challenger
from flows.materialize import materialize
from flows.measure import measure
from flows.playing.hours import LIVE_STEP, Hours
from flows.playing.news import News
from flows.playing.pace import Pace
from flows.playing.plan import steps
from flows.playing.scene import Scene
from flows.playing.trials import Trials
from flows.playing.workshop import LiveWorkshop
from flows.traffic import Traffic

AFTERWARDS = timedelta(hours=6)
"""Played on after the last decision, so that it is seen at work."""
READY_SECONDS = 120.0


class Live:
    """Plays the traffic of one scene; `cast` are the versions to be registered on the way."""

    def __init__(self, scene: Scene, cast: Sequence[Challenger], traffic: Traffic) -> None:
        self._scene = scene
        self._traffic = traffic
        self._hours = Hours(scene, traffic)
        self._trials = Trials(scene, cast, LiveWorkshop(scene))
        self._pace = Pace(scene)
        self._news = News(scene)
        self._on_trial = bool(cast)

    def play(self) -> None:
        """Play each hour: its requests in order, then what became known in it.

        With a cast it ends when every version's story is told, and at `live_end` at the latest.
        """
        self._wait_until_serving()
        scene = self._scene
        begin = scene.ledger.replay_at() or scene.play.history_end
        last = scene.play.live_end
        for start, end in scene.each("Live traffic, labels following", list(steps(begin, last, LIVE_STEP))):
            if start >= last:
                break
            self._trials.register_due(start)
            self._hours.play(start, end)
            if self._on_trial and self._all_told(end):
                last = min(last, end + AFTERWARDS)
        materialize(scene.model)
        self._say_what_is_open()
        with scene.terminal.status("Joining predictions with the labels that have come in"):
            measure(scene.model)

    def _all_told(self, now: datetime) -> bool:
        """Keep pace with supervise, say what it decided, and return whether no further story will be told."""
        self._pace.keep(now)
        self._news.tell()
        self._on_trial = bool(self._trials.untold())
        # What is held waits for a person, however long the traffic goes on.
        return not self._on_trial or self._scene.plans.current(self._scene.model).held is not None

    def _say_what_is_open(self) -> None:
        if not self._on_trial:
            return
        terminal = self._scene.terminal
        if self._pace.never_judged:
            terminal.print("  [yellow]supervise never ticked[/yellow] during this play; look at supervisor.log in run/")
        else:
            with terminal.status("Waiting for supervise to judge the last hours"):
                self._pace.wait_for(self._scene.ledger.replay_at() or self._scene.play.live_end)
        self._news.tell()
        for clause in self._trials.untold():
            terminal.print(f"  [yellow]open when the traffic ended[/yellow]: {clause}", highlight=False)

    def _wait_until_serving(self) -> None:
        scene = self._scene
        champion = scene.plans.current(scene.model).champion
        with scene.terminal.status(f"Waiting until version {champion} has reproduced its own example"):
            self._traffic.wait_until_serving(str(champion), READY_SECONDS)
        scene.terminal.print(f"  [green]serving[/green] version {champion} at {scene.config.http_address}")
