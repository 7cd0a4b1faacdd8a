"""`make bench-idempotency`: requests without a key, with a key, and replayed, on one real gateway of one replica.

The champion is a small booster on noise, so that what the key costs is not hidden behind the model. All three are sent
by the same client in Python, which shares the machine with the gateway: compare the lines with each other only.
"""

import asyncio
import itertools
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httptools
import numpy as np
from rich.console import Console
from rich.table import Table

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.errors import EvidenceMissing
from lifecycle.plan import empty_plan
from serving.caller import ANYBODY
from serving.dialects import DIALECTS
from serving.exchange import Response
from serving.predicting import Request
from serving.sharing import Sharing
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings
from tests.serving.conftest import MODEL, POLICIES, flight, write_version
from tests.serving.test_server import START_SECONDS, free_block, free_port, start, until

PATH = f"/v2/models/{MODEL}/predict"
ROUNDS, SECONDS, WARM_UP_SECONDS = 5, 1.5, 1.0
CONNECTIONS = (1, 32)
BODIES = 512
REPLAYED_KEYS = 64
OK = 200


@dataclass
class Measured:
    """Answers of one way to ask, over connections: how many a second, and the median wait in milliseconds."""

    per_second: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


def bench_idempotency(terminal: Console) -> Mapping[str, object]:
    """Measure, print the table and return the figures; raises EvidenceMissing when any answer was not 200."""
    numbers = itertools.count()
    ways: dict[str, Callable[[], str]] = {
        "without a key": lambda: "",
        "with a key": lambda: f"Idempotency-Key: new-{next(numbers)}\r\n",
        "replayed": lambda: "",
    }
    results = {name: {count: Measured() for count in CONNECTIONS} for name in ways}
    bodies = [json.dumps({"rows": [flight(tail_number=f"N{n:05d}")]}).encode() for n in range(BODIES)]
    with _gateway() as chosen, terminal.status("Measuring") as status:
        address = (chosen.host, chosen.http_port)
        for number in range(-1, ROUNDS):
            for name, head in ways.items():
                for count in CONNECTIONS:
                    status.update(f"Round {number + 1} of {ROUNDS}: {name}, {count} connections")
                    requests = _replays(bodies) if name == "replayed" else _requests(bodies, head)
                    lasting = SECONDS if number >= 0 else WARM_UP_SECONDS
                    waits, seconds = asyncio.run(_load(address, requests, count, lasting))
                    if number >= 0:
                        p50, p99 = np.percentile(waits, [50, 99]).tolist()
                        results[name][count].per_second.append(len(waits) / seconds)
                        results[name][count].p50_ms.append(p50)
                        results[name][count].p99_ms.append(p99)
    table = Table("", "connections", "requests/s", "p50 ms", "p99 ms", title="Idempotency")
    for name, measured in results.items():
        for count, one in measured.items():
            table.add_row(name, str(count), *(f"{median(values):,.4g}" for values in vars(one).values()))
    terminal.print(table)
    alone = _sharing_us(bodies)
    terminal.print(f"Looking for a request like it costs one without a key {alone:.2f} µs")
    figures = {
        name: {str(count): {what: median(values) for what, values in vars(one).items()} for count, one in some.items()}
        for name, some in results.items()
    }
    return {"rounds": ROUNDS, "seconds": SECONDS, "ways": figures, "sharing_us": alone}


def _requests(bodies: Sequence[bytes], head: Callable[[], str]) -> Iterator[bytes]:
    for body in itertools.cycle(bodies):
        yield _request(head(), body)


def _replays(bodies: Sequence[bytes]) -> Iterator[bytes]:
    heads = [f"Idempotency-Key: old-{number}\r\n" for number in range(REPLAYED_KEYS)]
    return itertools.cycle([_request(head, body) for head, body in zip(heads, bodies, strict=False)])


def _request(head: str, body: bytes) -> bytes:
    lines = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _load(
    address: tuple[str, int], requests: Iterator[bytes], connections: int, seconds: float
) -> tuple[list[float], float]:
    """Return how long each answer took in milliseconds, and the seconds of all."""
    began = time.perf_counter()
    waits: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection(*address)
        while time.perf_counter() - began < seconds:
            sent = time.perf_counter()
            writer.write(next(requests))
            await _answered(reader)
            waits.append((time.perf_counter() - sent) * 1e3)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return waits, time.perf_counter() - began


class _Answer:
    def __init__(self) -> None:
        self.done = False

    def on_message_complete(self) -> None:
        self.done = True


async def _answered(reader: asyncio.StreamReader) -> None:
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.done:
        said = await reader.read(65_536)
        if not said:
            raise EvidenceMissing("the gateway closed a connection while it was measured")
        parser.feed_data(said)
    if parser.get_status_code() != OK:
        raise EvidenceMissing(f"the gateway cannot be measured; it answers with {parser.get_status_code()}")


def _sharing_us(bodies: Sequence[bytes]) -> float:
    """Return the microseconds that looking for a request like it adds to one that is alone."""
    answer, sharing = Response(b"{}"), Sharing()

    async def compute(_: Request) -> Response:
        return answer

    async def seconds(answering: Callable[[Request], Awaitable[Response]]) -> float:
        # New bytes each time, whose hash nobody has taken yet.
        asked = [Request(DIALECTS[1], MODEL, None, {}, ANYBODY, bytes(bytearray(body))) for body in bodies]
        began = time.perf_counter()
        for one in asked:
            await answering(one)
        return (time.perf_counter() - began) / len(asked)

    async def measured() -> float:
        pairs = [(await seconds(lambda one: sharing.answer(one, compute)), await seconds(compute)) for _ in range(50)]
        return median(shared - alone for shared, alone in pairs) * 1e6

    return asyncio.run(measured())


@contextmanager
def _gateway() -> Iterator[Settings]:
    """Yield the settings of a gateway that serves, of one replica; stop it after the block."""
    home = Path(tempfile.mkdtemp(prefix="hfb"))
    chosen = Settings(home=home, policies=POLICIES, http_port=free_port(), ray_port_base=free_block())
    write_version(chosen.versions, "1")
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote("1", datetime.now(UTC)), datetime.now(UTC))
    engine.dispose()
    process: subprocess.Popen[str] = start(chosen, HOLDFAST_MLFLOW_PORT=str(free_port()))
    try:
        until(lambda: (chosen.run / "serving.json").exists() or process.poll() is not None, START_SECONDS)
        if process.poll() is not None:
            raise EvidenceMissing(f"the gateway did not start: {process.communicate()[0]}")
        yield chosen
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        shutil.rmtree(home, ignore_errors=True)
