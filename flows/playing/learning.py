"""The first act: the history comes in, becomes features, and a first version is trained on it."""

from datetime import timedelta

from flows.materialize import materialize
from flows.playing.plan import steps
from flows.playing.scene import Scene
from flows.train import train
from lifecycle.errors import EvidenceMissing

HISTORY_STEP = timedelta(days=7)


def learn(scene: Scene) -> None:
    """Take in the history, build its features, and train until a champion stands.

    Raises EvidenceMissing when the trained version did not pass the offline gate.
    """
    play, model, ledger = scene.play, scene.model, scene.ledger
    if ledger.replay_at() is None:
        ledger.set_replay(play.start)
    spans = list(steps(ledger.watermark(f"ingest:{model}") or play.start, play.history_end, HISTORY_STEP))
    if spans:
        for _, end in scene.each("Events in, examined", spans):
            scene.take_in(end)
    if (ledger.watermark(f"materialize:{model}") or play.start) < play.history_end:
        with scene.terminal.status("Building features from one definition, for training and for serving"):
            materialize(model)
    if scene.plans.current(model).champion is None:
        with scene.terminal.status("Training, with its simple rivals; then the offline gate"):
            train(model)
    if scene.plans.current(model).champion is None:
        raise EvidenceMissing(f"no version of {model} passed the offline gate; see `holdfast decisions`")
