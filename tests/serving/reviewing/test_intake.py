"""Shipped answers enter the queue without anybody waiting for it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from lifecycle.policy import Policy
from lifecycle.review import ReviewKind
from serving.reviewing import intake as module
from serving.reviewing.full_queues import FULL_SECONDS
from serving.reviewing.intake import Intake
from stores.ledger.answering import Answered, Answering
from stores.ledger.opening import connect, open_ledger
from stores.ledger.reviews import Reviews
from stores.policies import load_policy
from stores.prediction_log.schema import SCHEMA
from tests.serving.conftest import MODEL, POLICIES
from tests.stores.ledger.asked import NOON


def shipped(*rows: dict[str, Any]) -> pa.Table:
    """Return rows as they were shipped."""
    usual = {
        "model": MODEL,
        "version": "2",
        "example_id": "e",
        "request": "{}",
        "score": 0.3,
        "decision": "likely_late",
        "served_at": NOON,
    }
    return pa.Table.from_pylist([usual | row for row in rows], schema=SCHEMA)


def policy_of(model: str) -> Policy | None:
    """Return the shipped policy, and none of another model."""
    return load_policy(POLICIES, model) if model == MODEL else None


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    """An empty ledger in a file, so that threads share it."""
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_marked_rows_enter_with_what_the_policy_makes_of_them(ledger: Engine) -> None:
    """The others do not, nor those of a model that has no policy any more."""
    intake = Intake(Reviews(ledger), policy_of, lambda: NOON)
    intake.start()
    intake.offer(shipped({"prediction_id": "a", "review": "provisional"}, {"prediction_id": "b"}))
    intake.offer(shipped({"prediction_id": "c", "review": "audit", "decision": "unsure", "tenant": "t"}))
    intake.offer(shipped({"prediction_id": "d", "review": "audit", "model": "gone"}))
    intake.stop()
    first, second = sorted(Reviews(ledger).open(), key=lambda one: one.prediction_id)
    assert (first.prediction_id, first.kind, first.predicted) == ("a", ReviewKind.PROVISIONAL, 1)
    assert (second.prediction_id, second.kind, second.predicted, second.tenant) == ("c", ReviewKind.AUDIT, None, "t")
    assert first.due_at == NOON + timedelta(hours=24)


def test_rows_of_before_there_were_reviews_ask_nothing(ledger: Engine) -> None:
    """Their shipment has no such column."""
    intake = Intake(Reviews(ledger), policy_of, lambda: NOON)
    intake.start()
    intake.offer(shipped({"prediction_id": "a"}).drop_columns(["review"]))
    intake.stop()
    assert Reviews(ledger).open() == ()


def test_ledger_that_is_away_is_told_of_once_and_holds_up_nobody(tmp_path: Path, logged: list[Any]) -> None:
    """What did not enter is in the log, for the flow."""
    unmigrated = connect(f"sqlite:///{tmp_path / 'none.db'}")
    intake = Intake(Reviews(unmigrated), policy_of, lambda: NOON)
    for name in ("a", "b"):
        intake.enter(shipped({"prediction_id": name, "review": "audit"}))
    assert [line["event"] for line in logged] == ["reviews_left_to_the_flow"]


def test_more_shipments_than_may_wait_are_left_to_the_flow(
    ledger: Engine, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipping thread never waits."""
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    intake = Intake(Reviews(ledger), policy_of, lambda: NOON)
    for name in ("a", "b"):
        intake.offer(shipped({"prediction_id": name, "review": "audit"}))
    assert [line["rows"] for line in logged] == [1]


def test_policy_that_breaks_the_thread_s_work_ends_no_thread(ledger: Engine, logged: list[Any]) -> None:
    """The next shipment is entered."""
    broken: list[Callable[[str], Policy | None]] = [lambda _: 1 / 0]  # type: ignore[list-item, return-value]

    def sometimes(model: str) -> Policy | None:
        return broken.pop()(model) if broken else policy_of(model)

    intake = Intake(Reviews(ledger), sometimes, lambda: NOON)
    intake.start()
    for name in ("a", "b"):
        intake.offer(shipped({"prediction_id": name, "review": "audit"}))
    intake.stop()
    assert [one.prediction_id for one in Reviews(ledger).open()] == ["b"]
    assert [line["event"] for line in logged] == ["reviews_left_to_the_flow"]


def tight(model: str) -> Policy | None:
    """Return the shipped policy with room for two unsure and two sampled answers."""
    policy = policy_of(model)
    if policy is None or policy.review is None:
        return policy
    return policy.model_copy(update={"review": policy.review.model_copy(update={"most_open": 2})})


def unsure(*names: str) -> pa.Table:
    """Return unsure answers as they were shipped."""
    return shipped(*({"prediction_id": name, "review": "provisional"} for name in names))


def test_full_queue_is_told_of_once_a_spell_and_leaves_audits_their_room(ledger: Engine, logged: list[Any]) -> None:
    """The spell ends with a shipment of which everything was entered."""

    def answer(*names: str) -> None:
        for name in names:
            Answering(ledger).answer(Answered(name, 1, "on-call", "seen", NOON), NOON)

    intake = Intake(Reviews(ledger), tight, lambda: NOON)
    intake.enter(unsure("a", "b", "c"))
    intake.enter(unsure("d"))
    intake.enter(shipped({"prediction_id": "x", "review": "audit"}, {"prediction_id": "e", "review": "provisional"}))
    assert {one.prediction_id for one in Reviews(ledger).open()} == {"a", "b", "x"}
    told = [(line["event"], line["model"], line["kind"], line["most_open"]) for line in logged]
    assert told == [("reviews_not_entered", MODEL, "provisional", 2)]
    answer("a", "b")
    intake.enter(unsure("f", "g", "h"))
    assert len(logged) == 1
    answer("f", "g")
    intake.enter(unsure("i"))
    intake.enter(unsure("j", "k"))
    assert len(logged) == 2


def test_queue_that_is_known_to_be_full_is_tried_only_once_in_a_while(ledger: Engine) -> None:
    """What is offered meanwhile is let go before any row is read; other kinds go on."""
    now = [100.0]
    entered: list[list[str]] = []

    class Watched(Intake):
        def enter(self, rows: pa.Table) -> None:
            entered.append(rows["prediction_id"].to_pylist())
            super().enter(rows)

    intake = Watched(Reviews(ledger), tight, lambda: NOON, lambda: now[0])
    intake.enter(unsure("a", "b", "c"))
    intake.offer(unsure("d"))
    intake.offer(shipped({"prediction_id": "x", "review": "audit"}, {"prediction_id": "e", "review": "provisional"}))
    now[0] += FULL_SECONDS
    intake.offer(unsure("f"))
    intake.start()
    intake.stop()
    assert entered == [["a", "b", "c"], ["x"], ["f"]]
