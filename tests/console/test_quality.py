"""`holdfast quality` shows what was measured, how sure that is, and how estimates did."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import typer

from console.quality import quality
from lifecycle.measuring.record import apart, kept_record
from lifecycle.quality import Beside, Estimate, Figure, Figures, Labelling, Quality, QualityDetail
from stores.ledger.opening import open_ledger
from stores.ledger.quality import QualityRecords
from stores.settings import Settings

NOW = datetime(2013, 6, 1, tzinfo=UTC)
FIGURES = Figures(
    rows=500, positives=90, hours=120, auc=Figure(value=0.7, low=0.65, high=0.75), brier=Figure(value=0.15)
)
DETAIL = QualityDetail(
    confidence=0.99,
    asks=4,
    level=0.9975,
    overall=FIGURES,
    slices={"origin": {"EWR": FIGURES, "[LGA]": FIGURES.model_copy(update={"auc": Figure(value=0.51)})}},
    thin={"origin": {"JFK": 12}},
    labels=Labelling(known=500, late=3, corrected=2, by_people=1),
    estimate=Estimate(
        figures=Figures(rows=600, positives=99, hours=120, auc=Figure(value=0.71, low=0.6, high=0.8)),
        calibrated_on=2000,
    ),
    settled=True,
)


def measured(until: datetime, truth: float = 0.7) -> Quality:
    """Return a week's measurement whose estimate said 0.71, between 0.6 and 0.8."""
    record = {"auc": Beside(estimate=0.71, low=0.6, high=0.8, truth=truth, held=0.6 <= truth <= 0.8)}
    detail = DETAIL.model_copy(update={"record": record})
    return Quality("m", "1", until - timedelta(7), until, 600, 500, FIGURES.metrics(), NOW, detail)


def run(*arguments: str) -> None:
    """Run `holdfast quality` as the command line does."""
    app = typer.Typer()
    app.command()(quality)
    app(list(arguments), standalone_mode=False)


@pytest.fixture
def records(home: Settings, monkeypatch: pytest.MonkeyPatch) -> QualityRecords:
    """Return an empty record of quality, and a wide terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    return QualityRecords(open_ledger(home.ledger_address))


def test_newest_figures_have_their_interval_worst_slice_and_estimate(
    records: QualityRecords, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names from data are printed as they are, and the older window is not shown."""
    records.record(measured(NOW))
    records.record(measured(NOW - timedelta(1)))
    run()
    out = capsys.readouterr().out
    for shown in (
        "m version 1", "500 of 600 have their label", "0.65 to 0.75", "99.75% sure", "origin=[LGA] 0.51", "0.6 to 0.8",
        "too little to say", "3 came late, 2 were corrected, 1 are people's", "too few labels by origin: JFK (12)",
        "learned from 2,000 earlier labels", "concept drift",
    ):  # fmt: skip
        assert shown in out
    assert out.count("version 1") == 1


def test_json_holds_everything_that_was_measured(records: QualityRecords, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the detail as it is stored."""
    records.record(measured(NOW))
    run("--json", "--model", "m")
    (shown,) = json.loads(capsys.readouterr().out)
    assert QualityDetail.model_validate(shown["detail"]) == measured(NOW).detail


def test_record_counts_windows_that_share_no_answer(
    records: QualityRecords, capsys: pytest.CaptureFixture[str]
) -> None:
    """Daily windows of a week overlap; one storm must not be seven misses."""
    for day in range(14):
        records.record(measured(NOW - timedelta(day), truth=0.7 if day < 7 else 0.9))
    run("--record")
    out = capsys.readouterr().out
    assert "the interval held in 1 of 2 windows; off by 0.1 on average, of 0.8" in out
    run("--record", "--json")
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["record"]["auc"]["held"], len(shown["windows"])) == (1, 2)


def test_a_window_whose_labels_may_still_come_is_no_record() -> None:
    """Early labels are not all labels."""
    one = measured(NOW)
    assert one.detail is not None
    early = replace(one, detail=one.detail.model_copy(update={"settled": False}))
    assert (apart([early]), kept_record([early])) == ((), {})


def test_nothing_measured_is_said(records: QualityRecords, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing yet is worth a line."""
    run()
    assert capsys.readouterr().out.startswith("Nothing was measured yet")


def test_a_record_from_before_intervals_is_shown_as_such(
    records: QualityRecords, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older ledger can be read."""
    records.record(replace(measured(NOW), detail=None))
    run()
    assert "measured before intervals were kept" in capsys.readouterr().out
