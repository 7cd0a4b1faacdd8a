"""The loop's state as it stands in the ledger."""

import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from lifecycle.alarms import AlarmKind, Concern
from lifecycle.drift.comparison import Certainty, Comparison
from lifecycle.evaluation import Metrics
from lifecycle.look import Look
from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan
from lifecycle.quality import Quality
from lifecycle.review import ReviewKind
from lifecycle.verdict import Verdict
from serving.metrics import loop_families as told
from serving.metrics.figures import Figures
from serving.metrics.ledger_figures import LedgerFigures, read_ledger
from stores.ledger.alarms import Alarms
from stores.ledger.answering import Answered, Answering
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.looks import Looks
from stores.ledger.opening import connect, open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.ledger.reviews import Reviews
from tests.stores.ledger.asked import asked

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger() -> Engine:
    """Return a ledger in memory."""
    return open_ledger("sqlite://")


def test_plan_is_told_with_its_arms_and_shares(ledger: Engine) -> None:
    """A canary of 10% has a control group of as many, and the champion answers the rest."""
    canary = CanaryArm("2", 0, 0.1, 1, NOON, 1)
    plan = TrafficPlan("toy", 1, "1", None, canary=canary, shadow=ShadowArm("3", 1, NOON), held="by hand", pinned=True)
    Plans(ledger).write(plan, NOON)
    figures = read_ledger(ledger)
    shares = {labels: values[0] for labels, values in figures.of(told.TRAFFIC_SHARE).items()}
    assert shares == pytest.approx(
        {("toy", "1", "champion"): 0.8, ("toy", "2", "canary"): 0.1, ("toy", "1", "control"): 0.1}
    )
    assert set(figures.of(told.VERSION_INFO)) == {
        ("toy", "1", "champion"),
        ("toy", "2", "canary"),
        ("toy", "3", "shadow"),
    }
    assert figures.of(told.PLAN_REVISION) == figures.of(told.PLAN_HELD) == figures.of(told.PLAN_PINNED)
    assert figures.of(told.PLAN_HELD) == {("toy",): [1.0]}


def test_replica_that_serves_an_older_plan_is_not_ready(ledger: Engine) -> None:
    """Nor is one that reported long ago there at all."""
    Plans(ledger).write(TrafficPlan("toy", 1, "1", None), NOON)
    Plans(ledger).write(TrafficPlan("toy", 2, "2", "1"), NOON)
    now = datetime.now(UTC)
    for name, revision, at in (("new", 2, now), ("behind", 1, now), ("gone", 2, now - HOUR)):
        Arms(ledger).report(ArmReport("toy", name, revision, ("1",), ready=True, detail="", reported_at=at))
    figures = read_ledger(ledger)
    assert figures.of(told.REPLICA_READY) == {("toy", "new"): [1.0], ("toy", "behind"): [0.0]}
    assert figures.of(told.REPLICA_REVISION) == {("toy", "new"): [2.0], ("toy", "behind"): [1.0]}


def test_alarms_that_stand_are_told_by_kind_and_others_as_none(ledger: Engine) -> None:
    """A kind without an alarm is 0, so that a rule on it can end."""
    Plans(ledger).write(TrafficPlan("toy", 1, "1", None), NOON)
    concern = Concern(AlarmKind.DRIFT, "distance", "retrain", 0.4, 0.1, "moved", NOON)
    Alarms(ledger).apply("toy", "1", judged=frozenset({AlarmKind.DRIFT}), concerns=[concern], now=NOON)
    alarms = read_ledger(ledger).of(told.ALARMS)
    assert alarms["toy", "drift"] == [1.0]
    assert set(alarms) == {("toy", kind) for kind in AlarmKind}
    assert sum(values[0] for values in alarms.values()) == 1


def test_queue_of_reviews_is_told_by_kind(ledger: Engine) -> None:
    """Zeros where nothing waits, so that a rule on it can end; an agreement only once somebody answered."""
    Plans(ledger).write(TrafficPlan("m", 1, "1", None), NOON)
    Reviews(ledger).enter([asked("a"), asked("b", kind=ReviewKind.AUDIT)])
    Answering(ledger).answer(Answered("b", 0, "ada", "seen", NOON), NOON)
    Reviews(ledger).recount({("m", ReviewKind.PROVISIONAL): 7}, reached=1)
    figures = read_ledger(ledger)
    assert figures.of(told.REVIEWS_NOT_ENTERED) == {("m", "provisional"): [7.0], ("m", "audit"): [0.0]}
    assert figures.of(told.REVIEWS_OPEN) == {("m", "provisional"): [1.0], ("m", "audit"): [0.0]}
    assert figures.of(told.REVIEWS_OVERDUE) == figures.of(told.REVIEWS_OPEN)
    assert figures.of(told.REVIEWS_ANSWERED) == {("m", "provisional"): [0.0], ("m", "audit"): [1.0]}
    assert figures.of(told.REVIEW_AGREEMENT) == {("m", "audit"): [0.0]}
    assert figures.of(told.REVIEW_OLDEST)["m", "audit"] == [0.0]
    assert figures.of(told.REVIEW_OLDEST)["m", "provisional"][0] > 0


def test_newest_look_is_told_and_what_it_does_not_say_is_left_out(ledger: Engine) -> None:
    """A look's evidence is plain JSON; a column without a figure, or a figure that is none, is no failure."""
    Plans(ledger).write(TrafficPlan("toy", 1, "1", None), NOON)
    Progress(ledger).set_replay(NOON + 2 * HOUR)
    columns = [
        asdict(
            Comparison("distance", "feature", 500, 900, 0.5, 0.0, None, 0.25, js=0.02, moved=Certainty(1e-12, 1e-9))
        ),
        asdict(Comparison("score", "score", 500, 900, 0.0, 0.0, None)) | {"missing": None},
        {"psi": 1.0},
        "odd",
    ]
    for hour, evidence in ((0, {"columns": []}), (1, {"columns": columns, "freshness_hours": {"planes": 2, "x": "?"}})):
        at = NOON + hour * HOUR
        Looks(ledger).record(Look(str(hour), "toy", "1", NOON, at, 500, Verdict.PASS, "", (), "p", 0.5, at, evidence))
    figures = read_ledger(ledger)
    assert figures.of(told.DRIFT_PSI) == {("toy", "1", "distance"): [0.25]}
    assert figures.of(told.MISSING_RATIO) == {("toy", "1", "distance"): [0.5]}
    assert figures.of(told.DRIFT_P_VALUE) == {("toy", "1", "distance"): [1e-9]}
    assert figures.of(told.FRESHNESS) == {("toy", "planes"): [7200.0]}
    assert figures.of(told.LOOK_AGE) == {("toy",): [3600.0]}
    assert figures.of(told.LOOK_ROWS) == {("toy", "1"): [500.0]}


def test_quality_is_each_version_s_newest_window(ledger: Engine) -> None:
    """A metric that is undefined there is left out."""
    Plans(ledger).write(TrafficPlan("toy", 1, "1", None), NOON)
    for hour, auc in ((0, 0.9), (1, 0.7)):
        metrics = Metrics(
            rows=10,
            positives=0,
            auc=auc,
            average_precision=None,
            brier=0.2,
            log_loss=0.5,
            calibration_error=0.1,
            cost_per_row=0.3,
        )
        at = NOON + hour * HOUR
        QualityRecords(ledger).record(Quality("toy", "1", NOON, at, 100, 60, metrics, at))
    figures = read_ledger(ledger)
    quality = figures.of(told.QUALITY)
    assert quality["toy", "1", "auc"] == [0.7]
    assert ("toy", "1", "average_precision") not in quality
    assert figures.of(told.QUALITY_LABELLED) == {("toy", "1"): [60.0]}


def test_flows_fall_behind_the_clock_that_they_go_by(ledger: Engine) -> None:
    """While a year is replayed, a lag is the replayed clock's."""
    Plans(ledger).write(TrafficPlan("toy", 1, "1", None), NOON)
    progress = Progress(ledger)
    progress.advance("ingest:toy", NOON)
    assert read_ledger(ledger).of(told.WATERMARK_LAG)["toy", "ingest"][0] > 86_400
    assert read_ledger(ledger).of(told.CLOCK_REPLAYED) == {(): [0.0]}
    progress.set_replay(NOON + HOUR)
    figures = read_ledger(ledger)
    assert figures.of(told.WATERMARK_LAG) == {("toy", "ingest"): [3600.0]}
    assert figures.of(told.CLOCK_REPLAYED) == {(): [1.0]}


def test_ledger_is_read_once_in_a_while() -> None:
    """Ten scrapes in a second are one question."""
    now, read = [0.0], []
    ledger = LedgerFigures(lambda: read.append(1) or Figures(), lambda: now[0])  # type: ignore[func-returns-value]
    for _ in range(10):
        assert ledger.figures() is not None
    assert len(read) == 1
    now[0] += 6
    ledger.figures()
    assert len(read) == 2
    ledger.close()


def test_ledger_that_is_away_tells_nothing_until_it_is_back() -> None:
    """Old figures would say that all is well."""
    away = [True]
    now = [0.0]

    def read() -> Figures:
        if away[0]:
            raise OperationalError("SELECT", {}, Exception("connection refused"))
        return Figures()

    ledger = LedgerFigures(read, lambda: now[0])
    assert ledger.figures() is None
    away[0] = False
    assert ledger.figures() is not None
    away[0] = True
    now[0] += 6
    assert ledger.figures() is None
    ledger.close()


def test_ledger_that_hangs_holds_up_no_scrape() -> None:
    """One thread waits for it, however many scrapes come meanwhile, and its answer counts when it is there."""
    free, readers = threading.Event(), []

    def read() -> Figures:
        readers.append(1)
        free.wait(10)
        return Figures()

    ledger = LedgerFigures(read, patience_seconds=0.02)
    began = time.monotonic()
    assert [ledger.figures() for _ in range(5)] == [None] * 5
    assert time.monotonic() - began < 2
    assert len(readers) == 1
    free.set()
    ledger.patience_seconds = 10
    assert ledger.figures() is not None
    ledger.close()


def test_real_ledger_file_that_is_gone_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its tables are not there, and that is told as away."""
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'ledger.db'}")
    ledger = LedgerFigures(partial(read_ledger, engine))
    assert ledger.figures() is None
    ledger.close()
