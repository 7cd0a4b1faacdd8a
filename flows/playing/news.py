"""What was decided since the last look, told while the traffic runs."""

from rich.markup import escape

from flows.playing.scene import Scene
from flows.playing.sentences import sentence
from stores.ledger.decisions import Decisions


class News:
    """Tells each decision about the scene's model once; those made before it was opened are old."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._decisions = Decisions(scene.engine)
        self._known = {made.decision_id for made in self._decisions.of(scene.model)}

    def tell(self) -> None:
        """Print the decisions that were made since the last time, oldest first."""
        for made in reversed(self._decisions.of(self._scene.model)):
            if made.decision_id not in self._known:
                self._known.add(made.decision_id)
                self._scene.terminal.print(
                    f"  [magenta]{made.decided_at:%d %b %H}h[/magenta] version {made.version} {escape(sentence(made))}",
                    highlight=False,
                )
