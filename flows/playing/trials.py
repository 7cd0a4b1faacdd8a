"""The versions that are registered during a play, and where each has got to."""

from collections.abc import Sequence
from datetime import datetime

from flows.challengers.cast import Challenger
from flows.playing.scene import Scene
from flows.playing.workshop import Workshop
from lifecycle.errors import EvidenceMissing
from lifecycle.stages import Stage
from stores.ledger.standings import Standings

TOLD = frozenset({Stage.CHAMPION, Stage.RETIRED, Stage.REJECTED, Stage.ROLLED_BACK})


class Trials:
    """A cast's versions: registered when their time comes, and followed to their end."""

    def __init__(self, scene: Scene, cast: Sequence[Challenger], workshop: Workshop) -> None:
        self._scene = scene
        self._waiting = list(cast)
        self._workshop = workshop
        self._registered: dict[str, Challenger] = {}

    def register_due(self, now: datetime) -> None:
        """Make and register every challenger whose time has come; one that these rows do not allow is left out."""
        while self._waiting and self._scene.play.live_start + self._waiting[0].after <= now:
            challenger = self._waiting.pop(0)
            try:
                made = challenger.make(self._workshop.material)
            except EvidenceMissing as error:
                self._tell(f"[yellow]{challenger.name} is left out[/yellow]: {error}")
                continue
            version = self._workshop.register(made, f"{self._scene.model}-{challenger.name}")
            self._registered[version] = challenger
            self._tell(
                f"[cyan]{now:%d %b %H}h[/cyan] version {version} registered in MLflow: {made.told}; its author "
                f"measured a log-loss of {made.own_log_loss:.3f}"
            )

    def untold(self) -> tuple[str, ...]:
        """Return what has not come to its end, one readable clause each; nothing when every story is told."""
        standings = Standings(self._scene.engine).of(self._scene.model)
        stages = {version: known.stage for version, known in standings.items()}
        going = [
            f"version {version} ({challenger.name}) "
            + (f"is {stages[version]}" if version in stages else "was not picked up")
            for version, challenger in self._registered.items()
            if stages.get(version) not in TOLD
        ]
        return (*going, *(f"{challenger.name} was not registered yet" for challenger in self._waiting))

    def _tell(self, text: str) -> None:
        self._scene.terminal.print(f"  {text}", highlight=False)
