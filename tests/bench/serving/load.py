"""Send requests as fast as a number of connections allows, and say how long answers took."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import numpy as np

from lifecycle.errors import EvidenceMissing

SCRIPT = Path(__file__).with_name("wrk.lua")
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Target:
    """An address and the file of JSON bodies, one per line, to post to it; without a file it is read with GET."""

    address: str
    bodies: Path | None


@dataclass(frozen=True)
class Measured:
    """Answers with status 2xx, all of them, and how long clients waited."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return self.requests / self.seconds


class Generator(Protocol):
    """A load generator; each connection sends its next request once the last is answered."""

    name: str

    def measure(self, target: Target, connections: int, seconds: float) -> Measured:
        """Load a target; raises EvidenceMissing when any answer was not 2xx."""
        ...


def best_generator() -> Generator:
    """Return wrk where it is installed, else a slower client in Python."""
    found = shutil.which("wrk")
    return Wrk(found) if found else PythonClient()


class Wrk:
    """https://github.com/wg/wrk on one thread."""

    name = "wrk"

    def __init__(self, program: str) -> None:
        self._program = program

    def measure(self, target: Target, connections: int, seconds: float) -> Measured:
        """Load a target; raises EvidenceMissing when any answer was not 2xx."""
        # wrk takes whole seconds only.
        options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", f"{TIMEOUT_SECONDS}s"]
        bodies = [] if target.bodies is None else ["--", str(target.bodies)]
        done = subprocess.run(
            [self._program, *options, "-s", str(SCRIPT), target.address, *bodies],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        if done.returncode or not lines:
            raise EvidenceMissing(f"wrk against {target.address} ended with {done.returncode}: {done.stderr.strip()}")
        figures = json.loads(lines[-1])
        _require_all_answered(target, figures["requests"], figures["refused"], figures["failed"])
        return Measured(figures["requests"], figures["seconds"], figures["p50_ms"], figures["p99_ms"])


class PythonClient:
    """A plain HTTP/1.1 client on asyncio; it shares the cores with what it measures more than wrk does."""

    name = "python"

    def measure(self, target: Target, connections: int, seconds: float) -> Measured:
        """Load a target; raises EvidenceMissing when any answer was not 2xx."""
        return asyncio.run(self._measure(target, connections, seconds))

    async def _measure(self, target: Target, connections: int, seconds: float) -> Measured:
        requests = _requests(target)
        began = time.perf_counter()
        end = began + seconds
        outcomes = await asyncio.gather(
            *(
                _one_connection(target, requests[offset:] + requests[:offset], end)
                for offset in np.linspace(0, len(requests) - 1, connections, dtype=int).tolist()
            )
        )
        took = time.perf_counter() - began
        waits = [wait for connection_waits, _ in outcomes for wait in connection_waits]
        refused = sum(refusals for _, refusals in outcomes)
        _require_all_answered(target, len(waits), refused, 0)
        p50, p99 = np.percentile(waits, [50, 99]) * 1e3
        return Measured(len(waits), took, float(p50), float(p99))


def _require_all_answered(target: Target, answered: int, refused: int, failed: int) -> None:
    if refused or failed or not answered:
        raise EvidenceMissing(
            f"{target.address} answered {answered} requests, of which {refused} with an error, and {failed} "
            "got no answer; figures are given only when every answer is 2xx"
        )


def _requests(target: Target) -> list[bytes]:
    parts = urlsplit(target.address)
    if target.bodies is None:
        return [f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()]
    return [
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in target.bodies.read_bytes().splitlines()
    ]


async def _one_connection(target: Target, requests: Sequence[bytes], end: float) -> tuple[list[float], int]:
    parts = urlsplit(target.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    waits: list[float] = []
    refused = 0
    for request in cycle(requests):
        began = time.perf_counter()
        if began >= end:
            break
        writer.write(request)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_body_length(head))
        waits.append(time.perf_counter() - began)
        refused += head.split(b" ", 2)[1][:1] != b"2"
    writer.close()
    return waits, refused


def _body_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise EvidenceMissing(f"an answer gives no Content-Length, which the Python client needs: {head[:200]!r}")
