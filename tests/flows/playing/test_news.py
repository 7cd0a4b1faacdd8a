"""Each decision is told once, in the order in which they were made."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

from flows.playing.news import News
from flows.playing.scene import Scene
from stores.ledger.decisions import Decisions
from tests.flows.playing.test_sentences import DECISION


def test_new_decisions_are_told_once_and_old_ones_not(scene: Scene, said: StringIO) -> None:
    """What was decided before the traffic is no news."""
    decisions = Decisions(scene.engine)
    decisions.record(DECISION)
    news = News(scene)
    for hours in (2, 1):
        later = DECISION.decided_at + timedelta(hours=hours)
        decisions.record(replace(DECISION, decision_id=f"after {hours}", decided_at=later, reason=f"because [{hours}]"))
    news.tell()
    news.tell()
    assert [line.strip() for line in said.getvalue().splitlines()] == [
        "01 Jan 01h version 3 rejected: because [1]",
        "01 Jan 02h version 3 rejected: because [2]",
    ]
