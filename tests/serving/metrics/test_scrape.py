"""A real Prometheus scrapes a real gateway application, and its rules work on what comes."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml

from lifecycle.plan import TrafficPlan
from serving.metrics.gauges import Gauges
from serving.metrics.ledger_figures import LedgerFigures, read_ledger
from serving.metrics.log_tail import LogTail
from serving.metrics.metrics import Metrics
from serving.metrics.replica import ReplicaFigures
from serving.metrics.requests import RequestMeter
from serving.metrics.snapshots import Snapshots
from serving.routes import Application
from stores.clock import SystemClock
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from tests.serving.conftest import MODEL, Bench, flight
from tests.stores.test_registry import free_port

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations"
Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def gateway(make_bench: Callable[..., Bench], tmp_path: Path) -> Iterator[str]:
    """Serve an application with a model, a ledger and a log, and yield its address."""
    bench = make_bench()
    plan = TrafficPlan(MODEL, revision=1, champion="2", previous=None)
    bench.models.put(bench.stand_up(plan))
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    Plans(ledger).write(plan, SystemClock().now())
    log, folder = tmp_path / "predictions", tmp_path / "metrics"
    tail = LogTail(log, folder)
    tail.begin()
    replica = ReplicaFigures(bench.models, RequestMeter(bool), Gauges(), lambda _: None, lambda: False)
    metrics = Metrics(replica, Snapshots(folder, "a"), tail, LedgerFigures(partial(read_ledger, ledger)), log)
    application: Any = Application(bench.models, metrics.stop, metrics=metrics)
    with serve(application) as address:
        for number in range(5):
            body = {"rows": [flight(flight=number + 1), flight(tail_number="N00000")]}
            assert httpx.post(f"{address}/v2/models/{MODEL}/predict", json=body).status_code == 200
        assert httpx.post(f"{address}/v2/models/{MODEL}/predict", json={"rows": []}).status_code == 422
        writer = SegmentWriter(log, "a")
        for batch in bench.log.batches:
            writer.append(batch)
        Shipper(log, writer, 60).ship_now()
        yield address
    ledger.dispose()


@contextmanager
def serve(application: Any) -> Iterator[str]:
    """Serve an application over HTTP."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", ws="none"))
    running = threading.Thread(target=server.run)
    running.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        running.join()


@pytest.fixture
def query(gateway: str, tmp_path: Path) -> Iterator[Query]:
    """Run a Prometheus over the gateway, by the shipped configuration, and yield what asks it."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed; on Debian: apt-get install prometheus")
    configuration = yaml.safe_load((OPERATIONS / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    (job,) = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [gateway.removeprefix("http://")]}]
    shutil.copy(OPERATIONS / "alerts.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        *(program, "--config.file=prometheus.yml", "--storage.tsdb.path=data"),
        *(f"--web.listen-address={address}", "--log.level=warn"),
    ]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
        try:
            yield partial(ask, f"http://{address}")
        finally:
            os.kill(running.pid, signal.SIGTERM)
            running.wait(timeout=30)


def ask(address: str, expression: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers, once it has an answer that is not empty."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            answer = httpx.get(f"{address}/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code == 200 and answer.json()["data"]["result"]:
            found: list[dict[str, Any]] = answer.json()["data"]["result"]
            return found
        time.sleep(0.2)
    raise TimeoutError(f"Prometheus has nothing for {expression}")


def number(query: Query, expression: str) -> float:
    """Return the only value of an expression."""
    (found,) = query(expression)
    return float(found["value"][1])


def test_prometheus_reads_what_was_served_and_applies_the_rules(query: Query) -> None:
    """Requests, logged rows, missing features and the plan come out of its own API as they went in."""
    assert number(query, 'up{job="holdfast"} == 1') == 1
    assert number(query, f'holdfast_requests_total{{model="{MODEL}", status="200"}}') == 5
    assert number(query, f'holdfast_requests_total{{model="{MODEL}", status="422"}}') == 1
    labels = f'model="{MODEL}", version="2", arm="champion", tier="model", outcome="answered"'
    assert number(query, f"holdfast_predictions_total{{{labels}}}") == 10
    missing = f'holdfast_feature_missing_total{{model="{MODEL}", feature="plane_age_years"}}'
    assert number(query, missing) == 5
    assert number(query, f'holdfast_stage_duration_seconds_count{{model="{MODEL}", stage="predict"}}') == 10
    assert number(query, f'histogram_quantile(0.5, holdfast_score_bucket{{model="{MODEL}"}})') <= 1
    assert number(query, f'holdfast_plan_revision{{model="{MODEL}"}}') == 1
    assert number(query, f'holdfast_traffic_share{{model="{MODEL}", arm="champion"}}') == 1
    assert number(query, "holdfast_ledger_up") == 1
    # Nobody reports to this ledger, so an alert of the shipped rules is on its way.
    assert number(query, f'ALERTS{{alertname="HoldfastPlanNotServed", model="{MODEL}", alertstate="pending"}}') == 1
