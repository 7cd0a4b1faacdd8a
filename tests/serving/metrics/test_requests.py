"""Requests as they are counted, and the page that tells of them."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lifecycle.plan import TrafficPlan
from serving.metrics.figures import Figures
from serving.metrics.gauges import Gauges
from serving.metrics.ledger_figures import LedgerFigures
from serving.metrics.log_tail import LogTail
from serving.metrics.metrics import FAMILIES, Metrics
from serving.metrics.replica import ReplicaFigures
from serving.metrics.requests import CLIENT_GONE, RequestMeter
from serving.metrics.served_families import SHADOW_ROWS
from serving.metrics.snapshots import Snapshots
from serving.routes import Application
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.metrics.conftest import batch, logged_row

PREDICT = f"/v2/models/{MODEL}/predict"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return a sample's name and labels as `scrape` has them."""
    return name, frozenset(labels.items())


def scrape(bench: Bench) -> Samples:
    """Return every sample of the page, read by Prometheus' own parser."""
    answer = bench.ask("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        key(sample.name, **sample.labels): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def metrics(make_bench: Callable[..., Bench], log_root: Path, folder: Path) -> Iterator[tuple[Bench, Metrics]]:
    """Return a bench whose application tells its metrics; its queue takes three requests."""
    bench = make_bench(max_queued_requests=3)
    meter = RequestMeter(lambda name: name in bench.models.names())
    bench.stand_up.retried = meter.retried
    bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
    replica = ReplicaFigures(bench.models, meter, Gauges(), lambda _: None, lambda: False)
    tail = LogTail(log_root, folder)
    tail.begin()
    made = Metrics(replica, Snapshots(folder, "a"), tail, LedgerFigures(Figures), log_root)
    bench.application = Application(bench.models, metrics=made)
    yield bench, made
    made.stop()


def test_requests_are_counted_by_model_and_status(metrics: tuple[Bench, Metrics]) -> None:
    """What was answered, refused and unknown; a name that somebody made up is nobody's label."""
    bench, _ = metrics
    for _ in range(3):
        assert bench.predict(flight()).status_code == 200
    assert bench.predict(flight(origin="SFO")).status_code == 422
    assert bench.ask("POST", "/v2/models/made-up/predict", json={"rows": []}).status_code == 404
    bench.log.full = True
    assert bench.predict(flight()).status_code == 503
    told = scrape(bench)
    assert told[key("holdfast_requests_total", model=MODEL, status="200")] == 3
    assert told[key("holdfast_requests_total", model=MODEL, status="422")] == 1
    assert told[key("holdfast_requests_total", model=MODEL, status="503")] == 1
    assert told[key("holdfast_requests_total", model="", status="404")] == 1
    assert told[key("holdfast_problems_total", model=MODEL, kind="unavailable")] == 1
    assert told[key("holdfast_request_duration_seconds_count", model=MODEL)] == 5
    assert told[key("holdfast_request_duration_seconds_bucket", model=MODEL, le="+Inf")] == 5
    assert told[key("holdfast_requests_in_flight", model=MODEL)] == 0


def test_requests_that_find_the_queue_full_are_told_as_shed(metrics: tuple[Bench, Metrics]) -> None:
    """A 503 of this kind is load, not a store that is away."""
    bench, _ = metrics
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight(flight=n)]}}) for n in range(1, 13)])
    shed = sum(answer.status_code == 503 for answer in answers)
    assert shed > 0
    assert scrape(bench)[key("holdfast_problems_total", model=MODEL, kind="overloaded")] == shed


def test_requests_that_are_tried_again_by_themselves_are_counted(
    metrics: tuple[Bench, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One odd request made its micro-batch fail: each of the three gets its own try."""
    bench, _ = metrics
    read = bench.shelf.read

    def read_unless_odd(request: Any) -> Any:
        if 13 in request["flight"].tolist():
            raise ZeroDivisionError
        return read(request)

    monkeypatch.setattr(bench.shelf, "read", read_unless_odd)
    asked = [("POST", PREDICT, {"json": {"rows": [flight(flight=number)]}}) for number in (12, 13, 14)]
    assert [answer.status_code for answer in bench.ask_all(asked)] == [200, 500, 200]
    assert scrape(bench)[key("holdfast_retries_total", model=MODEL)] == 3


def test_caller_that_hangs_up_is_counted_as_gone() -> None:
    """Nobody was answered, and no request stays in flight."""
    meter = RequestMeter(lambda _: True)

    async def hang_up() -> None:
        counting = asyncio.ensure_future(meter.count("toy", asyncio.get_running_loop().create_future()))
        await asyncio.sleep(0)
        assert meter.in_flight() == {"toy": 1}
        counting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await counting

    asyncio.run(hang_up())
    assert meter.in_flight() == {"toy": 0}
    assert ("toy", str(CLIENT_GONE)) in {line.labels for line in meter.counters().lines()}


def test_page_tells_what_was_shipped(metrics: tuple[Bench, Metrics], log_root: Path) -> None:
    """A scrape counts what came since, and a feature that was never missing is there with 0."""
    bench, _ = metrics
    writer = SegmentWriter(log_root, "a")
    writer.append(batch(logged_row(model=MODEL), logged_row(model=MODEL)))
    Shipper(log_root, writer, 60).ship_now()
    told = scrape(bench)
    labels = {"model": MODEL, "version": "1", "arm": "champion", "tier": "model", "outcome": "answered"}
    assert told[key("holdfast_predictions_total", **labels)] == 2
    assert told[key("holdfast_feature_missing_total", model=MODEL, feature="plane_age_years")] == 0
    assert told[key("holdfast_log_unshipped_seconds")] == 0


def test_page_has_every_family_by_its_name(metrics: tuple[Bench, Metrics]) -> None:
    """Also one that nothing was counted for: its help says what it would be."""
    bench, _ = metrics
    page = bench.ask("GET", "/metrics").text
    for family in FAMILIES:
        assert f"# HELP {family.name} " in page
        assert f"# TYPE {family.name} {family.kind}" in page


def test_other_method_than_get_is_refused(metrics: tuple[Bench, Metrics]) -> None:
    """The page is read only."""
    bench, _ = metrics
    assert bench.ask("POST", "/metrics").status_code == 405


def test_gateway_without_metrics_serves_none(bench: Bench) -> None:
    """Nothing is at the path."""
    assert bench.ask("GET", "/metrics").status_code == 404


def test_state_folder_that_cannot_be_written_is_503(
    metrics: tuple[Bench, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus then sees the target down, and answers go on."""
    bench, _ = metrics

    def refuse(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("serving.metrics.snapshots.write_kept", refuse)
        assert bench.ask("GET", "/metrics").status_code == 503
        assert bench.predict(flight()).status_code == 200


def test_gauge_that_a_part_sets_is_told(metrics: tuple[Bench, Metrics]) -> None:
    """A breaker tells its state by name and labels; a slip in either is refused."""
    bench, made = metrics
    gauges = made.replica.gauges
    arm = {"model": MODEL, "version": "2", "arm": "champion"}
    gauges.set("holdfast_breaker_open", arm, 1)
    assert scrape(bench)[key("holdfast_breaker_open", **arm)] == 1
    gauges.set("holdfast_breaker_open", arm, 0)
    assert scrape(bench)[key("holdfast_breaker_open", **arm)] == 0
    with pytest.raises(KeyError):
        gauges.set("holdfast_braker_open", arm, 1)
    with pytest.raises(ValueError, match="has the labels"):
        gauges.set("holdfast_breaker_open", {"model": MODEL}, 1)


def test_gauge_that_is_asked_for_tells_what_stands_now(metrics: tuple[Bench, Metrics]) -> None:
    """Labels that are no longer answered are no longer told, as when a version has left."""
    bench, made = metrics
    arm = {"model": MODEL, "version": "2", "arm": "champion"}
    standing = [(arm, 1.0)]
    made.replica.gauges.ask("holdfast_breaker_open", lambda: standing)
    assert scrape(bench)[key("holdfast_breaker_open", **arm)] == 1
    standing.clear()
    assert key("holdfast_breaker_open", **arm) not in scrape(bench)


def test_rows_a_shadow_never_got_rise_over_its_trials(bench: Bench) -> None:
    """Its own word begins anew with each trial; the counter does not."""
    bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=3, champion="2", previous=None)))
    words: Iterator[dict[str, float | int | str]] = iter(
        [
            {"version": version, "since_revision": since, "dropped_rows": dropped, "crashes": 0}
            for version, since, dropped in (("7", 4, 10), ("7", 4, 15), ("7", 9, 2), ("8", 12, 3))
        ]
    )
    replica = ReplicaFigures(bench.models, RequestMeter(lambda _: True), Gauges(), lambda _: next(words), lambda: False)
    told = [replica.counters() for _ in range(4)]
    assert told[1].of(SHADOW_ROWS) == {(MODEL, "7", "dropped"): [15.0]}
    assert told[3].of(SHADOW_ROWS) == {(MODEL, "7", "dropped"): [17.0], (MODEL, "8", "dropped"): [3.0]}


def test_counters_never_fall_while_replicas_are_scraped_in_turn(
    make_bench: Callable[..., Bench], log_root: Path, folder: Path
) -> None:
    """One port leads to any of them, and one is killed on the way."""
    benches, snapshots = [], []
    for name in "ab":
        one = make_bench()
        one.models.put(one.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous=None)))
        replica = ReplicaFigures(one.models, RequestMeter(lambda _: True), Gauges(), lambda _: None, lambda: False)
        snapshots.append(Snapshots(folder, name))
        parts = (replica, snapshots[-1], LogTail(log_root, folder), LedgerFigures(Figures), log_root)
        one.application = Application(one.models, metrics=Metrics(*parts))
        benches.append(one)
    answered = key("holdfast_requests_total", model=MODEL, status="200")
    first, second = benches
    seen = []
    for bench in (first, second, first, second):
        bench.predict(flight())
        seen += [scrape(bench).get(answered, 0.0), scrape(first).get(answered, 0.0)]
    os.close(snapshots[1]._owned.descriptor)
    seen.append(scrape(first)[answered])
    assert seen == sorted(seen)
    assert seen[-1] == 4
