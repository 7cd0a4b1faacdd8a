"""One hour of traffic: its requests in order, by features as of its beginning, then what became known in it."""

from datetime import datetime, timedelta

import pandas as pd

from flows.ingest import ingest
from flows.materialize import materialize
from flows.playing.scene import Scene
from flows.traffic import Traffic
from stores.events import EventStore

LIVE_STEP = timedelta(hours=1)
RECORDED_HOURS = 24
"""A day of flow runs to look at in Prefect."""
ANNOUNCED = timedelta(days=2)
"""What is asked in an hour became known no longer before it."""


class Hours:
    """Plays hours of one scene's source as live HTTP traffic.

    In the first `recorded` hours ingest and materialize are flow runs; after them the same functions run
    without Prefect's record, which takes longer than they do. What became known in hours in which
    nobody asks comes in with the next hour.
    """

    def __init__(self, scene: Scene, traffic: Traffic, recorded: int = RECORDED_HOURS) -> None:
        self._scene = scene
        self._traffic = traffic
        self._to_record = recorded
        self._behind = False

    def play(self, start: datetime, end: datetime) -> None:
        """Send what is asked in [start, end), and take in what became known by its end."""
        scene = self._scene
        take_in, build = (ingest, materialize) if self._to_record > 0 else (ingest.fn, materialize.fn)
        self._to_record -= 1
        asked = self._requests(start, end)
        if asked.empty:
            scene.set_clock(end)
            self._behind = True
            return
        if self._behind:
            take_in(scene.model)
        # Requests of an hour see the features of its beginning, as between two scheduled runs.
        build(scene.model)
        self._traffic.send(asked)
        scene.set_clock(end)
        take_in(scene.model)
        self._behind = False

    def _requests(self, start: datetime, end: datetime) -> pd.DataFrame:
        definition, store = self._scene.play.definition, EventStore(self._scene.config.events)
        events = {
            stream.name: store.load(definition.name, stream.name, start - ANNOUNCED) for stream in definition.streams
        }
        return definition.requests(events, start, end)
