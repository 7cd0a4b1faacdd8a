"""What `measure` keeps of a window: figures of given decisions, slices, tiers, labels that changed, an estimate."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from flows.measure import measure
from lifecycle.quality import Quality, QualityDetail
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.settings import Settings
from tests.flows.answered_toy import NOW, answer, asked

pytestmark = [
    # Two libraries warn when they are imported: Google's for Great Expectations, and that one itself.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

DAY = timedelta(days=1)


def detail_of(measured: Quality) -> QualityDetail:
    """Return what is known beyond the values."""
    assert measured.detail is not None
    return measured.detail


def honest(asks: pd.DataFrame) -> list[float]:
    """Return scores that mean what they say: a chance on either side of one half, right as often as it says."""
    rng = np.random.default_rng(5)
    right = rng.choice([0.6, 0.8, 0.95], size=len(asks))
    agrees = rng.random(len(asks)) < right
    yes = (asks["answer"].to_numpy() == 1) == agrees
    return [float(one) for one in np.where(yes, right, 1 - right)]


def test_figures_are_those_of_the_decisions_that_were_given(kept: Settings) -> None:
    """A safety filter that answers "unsure" warns nobody, however high the score."""
    asks = asked(-2 * DAY, -DAY)
    answer(kept, asks, [0.9] * len(asks), "1", decision="unsure")
    (measured,) = measure.fn("toy")
    overall = detail_of(measured).overall
    assert overall.recall is not None
    assert (overall.recall.value, overall.precision) == (0.0, None)
    assert measured.metrics.cost_per_row == pytest.approx(asks["answer"].mean())


def test_every_slice_with_enough_labels_has_figures_and_others_are_said_to_be_thin(kept: Settings) -> None:
    """A site that is asked ten times is named, not judged."""
    asks = asked(-2 * DAY, timedelta(hours=-2))
    few = asks[asks["site"] == "south"].head(10)
    asks = pd.concat([asks[asks["site"] == "north"], few])
    answer(kept, asks, [0.4] * len(asks), "1")
    detail = detail_of(measure.fn("toy")[0])
    assert list(detail.slices["site"]) == ["north"]
    assert detail.slices["site"]["north"].rows == len(asks) - 10
    assert detail.thin == {"site": {"south": 10}}


def test_a_fallback_tier_is_measured_as_itself(kept: Settings) -> None:
    """What the rule answered is no merit of the version it stood in for."""
    asks = asked(-2 * DAY, -DAY)
    answer(kept, asks, asks["answer"].astype(float).tolist(), "1")
    answer(kept, asks, [None] * len(asks), "1", 1, tier="rule", decision="on")
    rule, model = sorted(measure.fn("toy"), key=lambda found: found.version, reverse=True)
    assert (rule.version, model.version) == ("tier:rule", "1")
    assert (rule.metrics.auc, rule.metrics.cost_per_row) == (None, pytest.approx(1 - asks["answer"].mean()))
    assert (model.metrics.auc, model.predictions) == (1.0, len(asks))


def test_what_the_small_model_answered_is_its_version_s(kept: Settings) -> None:
    """Measured on the rows that are left to it, a version would look worse than it is."""
    asks = asked(-2 * DAY, -DAY)
    half = len(asks) // 2
    scores = asks["answer"].astype(float).tolist()
    answer(kept, asks.iloc[:half], scores[:half], "1")
    answer(kept, asks.iloc[half:], scores[half:], "1", 1, tier="small")
    (found,) = measure.fn("toy")
    assert (found.version, found.predictions, found.metrics.auc) == ("1", len(asks), 1.0)


def test_a_correction_is_counted_and_takes_the_earlier_measurements_place(kept: Settings) -> None:
    """Measured again over the same window there is one record, with what is known now."""
    asks = asked(-2 * DAY, -DAY)
    answer(kept, asks, [0.7] * len(asks), "1")
    (before,) = measure.fn("toy", NOW)
    one = asks.iloc[[0]]
    corrected = one.assign(answer=1 - one["answer"], known_at=pd.Timestamp(NOW + timedelta(minutes=1)).as_unit("us"))
    EventStore(kept.events).merge("toy", "asks", ("ask",), corrected)
    engine = open_ledger(kept.ledger_address)
    person = str(asks["ask"].iloc[1])
    PeoplesLabels(engine).give("toy", person, 1, "person", "ada", "I was there", NOW)
    Progress(engine).set_replay(NOW + timedelta(hours=1))
    (after,) = measure.fn("toy", NOW)
    labels = detail_of(after).labels
    assert (labels.known, labels.by_people) == (len(asks), 1)
    assert labels.corrected == 1 + int(asks["answer"].iloc[1] == 0)
    assert after.metrics.positives != before.metrics.positives or labels.corrected == 2
    assert [found for found in QualityRecords(engine).newest("toy") if found.until_at == NOW] == [after]


def test_a_label_that_comes_after_its_maturity_is_told_as_late(kept: Settings) -> None:
    """The toy's labels mature in twelve hours; one came after a day."""
    asks = asked(-3 * DAY, -2 * DAY)
    answer(kept, asks, [0.7] * len(asks), "1")
    PeoplesLabels(open_ledger(kept.ledger_address)).give("toy", "odd", 1, "person", "ada", "late", NOW - DAY)
    answer(kept, asks.head(1).assign(ask="odd"), [0.7], "1", 1)
    assert detail_of(measure.fn("toy")[0]).labels.late == 1


def test_the_estimate_of_a_window_is_learned_before_it_and_held_against_the_truth(kept: Settings) -> None:
    """A week later the truth is there; the estimate made then is the one that was made without it."""
    asks = asked(-10 * DAY, 8 * DAY)
    answer(kept, asks, honest(asks), "1")
    (first,) = measure.fn("toy", NOW)
    progress = Progress(open_ledger(kept.ledger_address))
    progress.set_replay(NOW + 7 * DAY)
    (blind,) = measure.fn("toy", NOW + 7 * DAY)
    progress.set_replay(NOW + 9 * DAY)
    (settled,) = measure.fn("toy", NOW + 7 * DAY)
    assert detail_of(first).estimate.calibrated_on == 0  # type: ignore[union-attr]
    seen = detail_of(settled).estimate
    assert seen == detail_of(blind).estimate
    assert seen is not None
    assert seen.calibrated_on > 500
    assert "concept drift" in seen.blind_to
    assert (detail_of(blind).record, detail_of(settled).settled) == (None, True)
    record = detail_of(settled).record
    assert record is not None
    assert {name: told.held for name, told in record.items()} == dict.fromkeys(
        ("auc", "log_loss", "brier", "precision", "recall", "cost_per_row"), True
    )


@pytest.mark.parametrize("after", [0, 1, 2, 3], ids=["before anything", "one kept", "both kept", "one settled"])
def test_a_run_that_is_killed_and_started_again_loses_and_doubles_nothing(
    kept: Settings, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Wherever it dies, the next run leaves what one undisturbed run would have."""
    asks = asked(-4 * DAY, timedelta(hours=-2))
    for version in ("1", "2"):
        answer(kept, asks, [0.7] * len(asks), version)
    with monkeypatch.context() as dying:
        dying.setattr(QualityRecords, "record", killed_after(after, QualityRecords.record))
        with pytest.raises(KeyboardInterrupt):
            measure.fn("toy")
    engine = open_ledger(kept.ledger_address)
    assert len(QualityRecords(engine).newest("toy")) == after
    assert Progress(engine).watermark("settled:toy") is None
    measure.fn("toy")
    stored = QualityRecords(engine).newest("toy")
    assert sorted((one.version, one.until_at) for one in stored) == [
        ("1", NOW - DAY), ("1", NOW), ("2", NOW - DAY), ("2", NOW)
    ]  # fmt: skip
    assert all(one.labelled == one.predictions == one.metrics.rows for one in stored)
    assert Progress(engine).watermark("settled:toy") == NOW - DAY
    measure.fn("toy")
    assert QualityRecords(engine).newest("toy") == stored


def killed_after(
    calls: int, record: Callable[[QualityRecords, Quality], None]
) -> Callable[[QualityRecords, Quality], None]:
    """Return a way of recording that ends the process in place of one more record than `calls`."""
    done = 0

    def dying(records: QualityRecords, measured: Quality) -> None:
        nonlocal done
        if done == calls:
            raise KeyboardInterrupt
        record(records, measured)
        done += 1

    return dying
