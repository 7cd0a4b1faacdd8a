"""What was answered is joined with what turned out, by version."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.measure import measure
from lifecycle.errors import DataRejected, InvalidInput
from lifecycle.evaluation import Metrics
from lifecycle.quality import Quality
from stores.ledger.opening import open_ledger
from stores.ledger.quality import QualityRecords
from stores.settings import Settings, settings
from tests.flows import toy
from tests.flows.answered_toy import NOW, answer, asked, prepare

pytestmark = [
    # Two libraries warn when they are imported: Google's for Great Expectations, and that one itself.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

NOTHING = Metrics(
    rows=0,
    positives=0,
    auc=None,
    average_precision=None,
    brier=None,
    log_loss=None,
    calibration_error=None,
    cost_per_row=None,
)


@pytest.fixture
def kept(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings on a state folder with the toy's events, its policy, and a clock at day ten."""
    return prepare(home, monkeypatch, tmp_path)


def test_a_perfect_and_a_useless_version_are_told_apart(kept: Settings) -> None:
    """Each version is measured on its own answers, against the labels of the same questions."""
    asks = asked(timedelta(days=-2), timedelta(hours=-2))
    answer(kept, asks, (asks["answer"] * 0.8 + 0.1).tolist(), "1")
    answer(kept, asks, [0.5] * len(asks), "2")
    first, second = measure.fn("toy")
    assert (first.version, first.metrics.auc, first.metrics.cost_per_row) == ("1", 1.0, 0.0)
    assert (second.version, second.metrics.auc) == ("2", 0.5)
    assert first.predictions == first.labelled == len(asks)
    kept_records = QualityRecords(open_ledger(kept.ledger_address)).newest("toy")
    assert {one for one in kept_records if one.until_at == NOW} == {first, second}


def test_answers_without_a_label_yet_are_counted_apart(kept: Settings) -> None:
    """An answer's label comes an hour later; until then it says nothing."""
    asks = asked(timedelta(hours=-3), timedelta())
    answer(kept, asks, [0.5] * len(asks), "1")
    (measured,) = measure.fn("toy")
    known = int((asks["known_at"] < NOW).sum())
    assert 0 < known < len(asks)
    assert (measured.predictions, measured.labelled, measured.metrics.rows) == (len(asks), known, known)


def test_a_question_asked_twice_counts_by_its_last_answer(kept: Settings) -> None:
    """A client that asks again is not two flights."""
    asks = asked(timedelta(days=-1), timedelta(hours=-2))
    answer(kept, asks, (1 - asks["answer"]).astype(float).tolist(), "1")
    answer(kept, asks, asks["answer"].astype(float).tolist(), "1", minute=1)
    (measured,) = measure.fn("toy")
    assert (measured.predictions, measured.metrics.auc) == (len(asks), 1.0)


def test_failed_attempts_are_nobodys_answer_and_a_shadows_are_its_versions(kept: Settings) -> None:
    """What was answered anew counts for who answered; rows older than these columns count as ever."""
    asks = asked(timedelta(days=-1), timedelta(hours=-2))
    right = asks["answer"].astype(float).tolist()
    answer(kept, asks, right, "1")
    answer(kept, asks, [None] * len(asks), "2", 1, arm="canary", outcome="failed", shown=False)
    answer(kept, asks, right, "3", 2, arm="shadow", outcome="answered", shown=False)
    answer(kept, asks, right, "4", 3, arm="canary", outcome="answered", shown=True)
    measured = measure.fn("toy")
    assert [(found.version, found.predictions) for found in measured] == [(one, len(asks)) for one in ("1", "3", "4")]


def test_answers_older_than_the_week_are_left_out(kept: Settings) -> None:
    """The window rolls."""
    asks = asked(timedelta(days=-9), timedelta(days=-8))
    answer(kept, asks, [0.5] * len(asks), "1")
    assert measure.fn("toy") == ()


def test_a_log_that_breaks_its_suite_stops_the_flow(kept: Settings) -> None:
    """A missing score is an alarm, not a row to skip."""
    asks = asked(timedelta(days=-1), timedelta(hours=-2))
    answer(kept, asks, [None, *[0.5] * (len(asks) - 1)], "1")
    with pytest.raises(DataRejected, match="what toy served fails its suite served_predictions"):
        measure.fn("toy")


def test_model_that_fails_leaves_the_others_their_figures(kept: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are recorded model by model, also those before and after the one that is refused."""
    for name in ("another", "zebra"):
        (settings().policies / f"{name}.yaml").write_text(toy.POLICY, encoding="utf-8")

    def measure_model(model: str, *_: object) -> list[Quality]:
        if model == "toy":
            raise DataRejected("toy is refused")
        return [Quality(model, "1", toy.START, NOW, 0, 0, NOTHING, NOW)]

    monkeypatch.setattr("flows.measure._measure_model", measure_model)
    monkeypatch.setattr("flows.measure._settle_model", lambda *_: None)
    with pytest.raises(DataRejected, match="toy is refused"):
        measure.fn()
    records = QualityRecords(open_ledger(kept.ledger_address))
    assert [len(records.newest(name)) for name in ("another", "toy", "zebra")] == [1, 0, 1]


def test_time_without_a_zone_is_refused(kept: Settings) -> None:
    """Nobody knows which week is meant."""
    with pytest.raises(InvalidInput, match="no time zone"):
        measure.fn("toy", datetime(2020, 1, 10))  # noqa: DTZ001 - the point
