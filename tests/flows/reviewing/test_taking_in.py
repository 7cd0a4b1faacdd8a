"""What the log asks people is entered exactly once, whatever was entered, killed or cleaned away before."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine, delete

from flows.reviewing.taking_in import TakenIn, take_in
from lifecycle.policy import Policy
from lifecycle.review import ReviewKind
from lifecycle.review_policy import ReviewPolicy
from stores.ledger.answering import Answered, Answering
from stores.ledger.opening import open_ledger
from stores.ledger.review_figures import review_figures
from stores.ledger.review_schema import review_intake
from stores.ledger.reviews import Reviews
from stores.prediction_log.compaction import compact
from stores.prediction_log.delta import table_folder
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.settings import Settings
from tests.lifecycle.rollouts import two_steps
from tests.stores.ledger.asked import NOON, asked

REVIEW = ReviewPolicy(
    unsure_within=0.1,
    unsure_decided_by=(),
    audit_share=0.1,
    most_open=1000,
    answer_within_hours=2,
    claim_minutes=5,
    escalate_to="on-call",
)
POLICIES: dict[str, Policy] = {"m": two_steps().model_copy(update={"review": REVIEW}), "none": two_steps()}


class Replica:
    """A gateway's end of the log."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._writer = SegmentWriter(root, "replica")

    def answer(self, **kinds: str | None) -> None:
        """Log one answer for each prediction id, with what people are asked about it, and ship them in one commit."""
        rows = [
            {
                "prediction_id": name,
                "model": "none" if name.startswith("none") else "m",
                "version": "1",
                "example_id": name,
                "request": "{}",
                "score": 0.2,
                "decision": "no",
                "served_at": NOON,
                "review": kind,
            }
            for name, kind in kinds.items()
        ]
        self._writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
        self._writer.seal()
        ship(self._root, self._writer.owned)


@pytest.fixture
def replica(home: Settings) -> Replica:
    """A gateway's end of an empty log."""
    return Replica(home.prediction_log)


@pytest.fixture
def engine(home: Settings) -> Engine:
    """An empty ledger."""
    return open_ledger(home.ledger_address)


def taken(home: Settings, engine: Engine) -> int:
    """Take in once."""
    return take_in(home.prediction_log, Reviews(engine), POLICIES.get, NOON).asked


def entered(engine: Engine) -> list[str]:
    """Return what is in the queue, by name."""
    return sorted(one.prediction_id for one in Reviews(engine).all())


def test_log_that_is_empty_asks_nothing(home: Settings, engine: Engine) -> None:
    """The flow is scheduled from the first minute; the first commit is found then."""
    assert taken(home, engine) == 0
    assert Reviews(engine).reached() is None


def test_each_commit_is_entered_once(home: Settings, engine: Engine, replica: Replica) -> None:
    """Marked rows of models that have reviews, and nothing twice."""
    replica.answer(a="provisional", b=None, none1="audit")
    assert taken(home, engine) == 1
    replica.answer(c="audit")
    replica.answer(d=None)
    assert [taken(home, engine), taken(home, engine)] == [1, 0]
    assert entered(engine) == ["a", "c"]
    review = Reviews(engine).get("a")
    assert (review.predicted, review.due_at) == (0, NOON + timedelta(hours=2))


def test_what_a_gateway_entered_stays_as_it_is(home: Settings, engine: Engine, replica: Replica) -> None:
    """It was claimed meanwhile, maybe answered."""
    before = asked("a", claimed_by="ada", claimed_until=NOON)
    Reviews(engine).enter([before])
    replica.answer(a="provisional", b="provisional")
    taken(home, engine)
    assert Reviews(engine).get("a") == before
    assert entered(engine) == ["a", "b"]


def test_commit_whose_files_were_merged_and_deleted_is_found_in_the_whole_log(
    home: Settings, engine: Engine, replica: Replica
) -> None:
    """As after hours in which the flow did not run."""
    replica.answer(a="provisional")
    taken(home, engine)
    replica.answer(b="provisional")
    replica.answer(c="provisional")
    old = set(table_folder(home.prediction_log).glob("*.parquet"))
    compact(home.prediction_log)
    for path in old:
        path.unlink()
    taken(home, engine)
    assert entered(engine) == ["a", "b", "c"]
    assert taken(home, engine) == 0


def test_commit_that_was_cleaned_away_is_found_in_the_whole_log(
    home: Settings, engine: Engine, replica: Replica
) -> None:
    """A day after it was made."""
    replica.answer(a="provisional")
    taken(home, engine)
    replica.answer(b="provisional")
    replica.answer(c="provisional")
    log = table_folder(home.prediction_log) / "_delta_log"
    reached = Reviews(engine).reached()
    assert reached is not None
    from deltalake import DeltaTable  # noqa: PLC0415 - only this test writes a checkpoint

    DeltaTable(table_folder(home.prediction_log)).create_checkpoint()
    (log / f"{reached + 1:020d}.json").unlink()
    taken(home, engine)
    assert entered(engine) == ["a", "b", "c"]


def test_killed_between_two_commits_goes_on_with_the_second(
    home: Settings, engine: Engine, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is entered together with its number."""
    replica.answer(a="provisional")
    taken(home, engine)
    replica.answer(b="provisional")
    replica.answer(c="provisional")

    class Killed(Exception):
        pass

    real, calls = Reviews.enter, []

    def enter(self: Reviews, *arguments: object, **bounds: object) -> object:
        calls.append(arguments)
        if len(calls) > 1:
            raise Killed
        return real(self, *arguments, **bounds)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Reviews, "enter", enter)
        with pytest.raises(Killed):
            taken(home, engine)
    assert entered(engine) == ["a", "b"]
    assert taken(home, engine) == 1
    assert entered(engine) == ["a", "b", "c"]


def test_full_queue_takes_what_it_has_room_for_and_the_rest_is_counted_once(
    home: Settings, engine: Engine, replica: Replica
) -> None:
    """By the commit, so that no run counts twice; an answer makes room for what comes then."""
    tight = POLICIES["m"].model_copy(update={"review": REVIEW.model_copy(update={"most_open": 1})})

    def run() -> TakenIn:
        return take_in(home.prediction_log, Reviews(engine), {"m": tight}.get, NOON)

    def not_entered() -> list[int]:
        return [figures.not_entered for figures in review_figures(engine, "m", NOON)]

    replica.answer(a="provisional", b="provisional", c="audit")
    assert run() == TakenIn(3, 1)
    replica.answer(d="provisional", e="audit")
    assert [run(), run()] == [TakenIn(2, 2), TakenIn(0, 0)]
    assert not_entered() == [2, 1]
    waiting = {one.kind.value: one.prediction_id for one in Reviews(engine).open()}
    assert waiting["audit"] == "c"
    Answering(engine).answer(Answered(waiting["provisional"], 1, "ada", "seen", NOON), NOON)
    replica.answer(f="provisional")
    assert run() == TakenIn(1, 0)
    assert not_entered() == [2, 1]


def test_search_of_the_whole_log_counts_afresh(home: Settings, engine: Engine, replica: Replica) -> None:
    """What it finds includes what was counted before."""
    tight = POLICIES["m"].model_copy(update={"review": REVIEW.model_copy(update={"most_open": 1})})
    Reviews(engine).recount({("m", ReviewKind.PROVISIONAL): 50}, reached=0)
    with engine.begin() as connection:
        connection.execute(delete(review_intake))
    replica.answer(a="provisional", b="provisional")
    replica.answer(c="provisional")
    assert take_in(home.prediction_log, Reviews(engine), {"m": tight}.get, NOON) == TakenIn(3, 2)
    assert [figures.not_entered for figures in review_figures(engine, "m", NOON)] == [2, 0]
    assert Reviews(engine).reached() is not None
