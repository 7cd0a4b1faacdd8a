"""`make bench-serving`: Holdfast's whole path beside two hand-written servers."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from feature_repo.definition import load_definition
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress as Ledger
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings
from tests.bench.serving.home import MODEL, prepare_home
from tests.bench.serving.load import Generator, best_generator
from tests.bench.serving.profile import await_shipped, empty_request_us, profile
from tests.bench.serving.requests import (
    as_rows,
    as_tensors,
    feature_vectors,
    plain_rows,
    recorded_requests,
    write_bodies,
)
from tests.bench.serving.rounds import ROUNDS, SECONDS, Contestant, Round, run_rounds
from tests.bench.serving.servers import bare_model, hand_written, holdfast, memory_mb, running
from tests.bench.serving.tables import as_figures, as_profile, as_ratios, comparison, shares

OURS = "Holdfast"
OURS_ROWS = "Holdfast, JSON rows"
HAND_WRITTEN = "FastAPI + Feast + pyfunc"
BARE = "FastAPI, bare booster"
SERVER_OF = {OURS: "gateway", OURS_ROWS: "gateway", HAND_WRITTEN: "hand-written", BARE: "bare-model"}


def bench_serving(terminal: Console) -> dict[str, object]:
    """Measure, print the tables, and return the figures; raises EvidenceMissing when any answer was not 2xx."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as scratch:
        chosen = prepare_home(Path(scratch) / "home", settings(), terminal)
        with terminal.status("Writing the requests"):
            contestants = _contestants(chosen, Path(scratch))
        servers = [
            holdfast(chosen),
            hand_written(chosen, _port(contestants[2])),
            bare_model(chosen, _port(contestants[3])),
        ]
        with terminal.status("Starting the servers") as status, running(chosen, servers) as started:
            status.stop()
            generator = best_generator()
            results = _measure(generator, contestants, terminal)
            with terminal.status("Measuring an empty request"):
                empty_us = empty_request_us(generator, f"{chosen.http_address}/v2/health/live")
            memory = {name: memory_mb(started[server]) for name, server in SERVER_OF.items()}
            await_shipped(PredictionLog(chosen.prediction_log), results[OURS][-1].many_to)
        with terminal.status("Calling the application in this process"):
            profiled = profile(chosen, contestants[0], results[OURS], empty_us)
    figures, ratios = as_figures(results, memory), as_ratios(results, OURS)
    terminal.print(comparison(figures))
    for rival in (HAND_WRITTEN, BARE):
        times = ratios[rival]
        terminal.print(
            f"{OURS} answers {times['requests_per_second']} times the requests/s and {times['rows_per_second']} times "
            f"the rows/s of {rival}, and its p50 on 1 connection is {times['p50']} times shorter"
        )
    terminal.print(shares(profiled))
    return {
        "load": {"generator": generator.name, "rounds": ROUNDS, "seconds": SECONDS},
        "servers": figures,
        "ratios": ratios,
        "where_the_time_goes": as_profile(profiled),
    }


def _contestants(chosen: Settings, folder: Path) -> list[Contestant]:
    definition = load_definition(MODEL)
    features_until = Ledger(open_ledger(chosen.ledger_address)).watermark(f"materialize:{MODEL}")
    rows = recorded_requests(definition, features_until or definition.source_range[0])
    plain = plain_rows(definition.contract, rows)
    vectors = feature_vectors(definition, chosen.features, rows)
    as_json = write_bodies(folder / "rows", plain, as_rows)
    ours, port = f"{chosen.http_address}/v2/models/{MODEL}", chosen.http_port
    return [
        Contestant(OURS, f"{ours}/infer", write_bodies(folder / "tensors", plain, as_tensors(definition.contract))),
        Contestant(OURS_ROWS, f"{ours}/predict", as_json),
        Contestant(HAND_WRITTEN, f"http://127.0.0.1:{port + 1}/predict", as_json),
        Contestant(BARE, f"http://127.0.0.1:{port + 2}/predict", write_bodies(folder / "vectors", vectors, as_rows)),
    ]


def _port(contestant: Contestant) -> int:
    return int(contestant.address.rsplit(":", 1)[1].split("/")[0])


def _measure(generator: Generator, contestants: list[Contestant], terminal: Console) -> dict[str, list[Round]]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal) as shown:
        bar = shown.add_task(f"Measuring with {generator.name}", total=ROUNDS * len(contestants))
        return run_rounds(
            generator, contestants, lambda name: shown.update(bar, advance=1, description=f"Measured {name}")
        )
