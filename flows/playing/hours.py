"""One hour of traffic: its requests in order, by features as of its beginning, then what became known in it."""

from datetime import datetime, timedelta

import pandas as pd

from flows.materialize import materialize
from flows.playing.scene import Scene
from flows.traffic import Traffic
from stores.events import EventStore

LIVE_STEP = timedelta(hours=1)
ANNOUNCED = timedelta(days=2)
"""What is asked in an hour became known no longer before it."""


class Hours:
    """Plays hours of one scene's source as live HTTP traffic."""

    def __init__(self, scene: Scene, traffic: Traffic) -> None:
        self._scene = scene
        self._traffic = traffic

    def play(self, start: datetime, end: datetime) -> None:
        """Send what is asked in [start, end), and take in what became known by its end."""
        scene = self._scene
        asked = self._requests(start, end)
        if not asked.empty:
            # Requests of an hour see the features of its beginning, as between two scheduled runs.
            materialize(scene.model)
            self._traffic.send(asked)
        scene.take_in(end)

    def _requests(self, start: datetime, end: datetime) -> pd.DataFrame:
        definition, store = self._scene.play.definition, EventStore(self._scene.config.events)
        events = {
            stream.name: store.load(definition.name, stream.name, start - ANNOUNCED) for stream in definition.streams
        }
        return definition.requests(events, start, end)
