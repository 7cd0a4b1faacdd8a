"""The load generators count answers, and refuse to count errors."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lifecycle.errors import EvidenceMissing
from tests.bench.serving.load import Generator, PythonClient, Target, Wrk

WRK = shutil.which("wrk")


class Odd(BaseHTTPRequestHandler):
    """Answers 200 to GET and to bodies with an even number, 422 to odd ones."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self._answer(200)

    def do_POST(self) -> None:
        """Answer by the number in the body."""
        number = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["number"]
        self._answer(422 if number % 2 else 200)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def address() -> Iterator[str]:
    """Return the address of a server that refuses odd numbers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["python", pytest.param("wrk", marks=pytest.mark.skipif(WRK is None, reason="no wrk here"))])
def generator(request: pytest.FixtureRequest) -> Generator:
    """Return each generator in turn."""
    return Wrk(str(WRK)) if request.param == "wrk" else PythonClient()


def bodies(folder: Path, *numbers: int) -> Path:
    """Write one body per number."""
    path = folder / "bodies.jsonl"
    path.write_text("".join(json.dumps({"number": number}) + "\n" for number in numbers))
    return path


def test_answers_are_counted_with_the_waits_for_them(generator: Generator, address: str, tmp_path: Path) -> None:
    """Every request is answered, and the percentiles are in order."""
    measured = generator.measure(Target(address, bodies(tmp_path, 2, 4)), connections=2, seconds=0.3)
    assert measured.requests > 2
    assert 0 < measured.p50_ms <= measured.p99_ms
    assert measured.per_second == measured.requests / measured.seconds


def test_requests_without_a_body_can_be_measured(generator: Generator, address: str) -> None:
    """An empty request shows what the way there and back costs."""
    assert generator.measure(Target(address, None), connections=1, seconds=0.3).requests > 1


def test_one_refused_answer_spoils_the_figures(generator: Generator, address: str, tmp_path: Path) -> None:
    """Errors are quick to give, so a server that gives some would look fast."""
    with pytest.raises(EvidenceMissing, match="only when every answer is 2xx"):
        generator.measure(Target(address, bodies(tmp_path, 2, 3)), connections=1, seconds=0.3)
