"""Recorded requests reach the endpoint in order, and every answer is counted."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from flows.traffic import Traffic
from lifecycle.errors import Unavailable
from tests.flows.toy import CONTRACT, START


class _Endpoint(BaseHTTPRequestHandler):
    """Answers units, refuses `u13`, and is ready for version 1 only."""

    protocol_version = "HTTP/1.1"
    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Keep the body and answer it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        unit = body["inputs"][0]["data"][0]
        self._answer(422 if unit == "u13" else 200)

    def do_GET(self) -> None:
        """Say whether a version is ready."""
        self._answer(200 if self.path.endswith("/versions/1/ready") else 503)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _answer(self, status: int) -> None:
        text = b'{"detail": "as asked"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Return the address of a small endpoint of this test's own."""
    _Endpoint.bodies = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _rows(*units: str) -> pd.DataFrame:
    asked = [START + timedelta(hours=hour) for hour in range(len(units))]
    return pd.DataFrame({"unit": units, "site": "north", "load": 0.5, "asked_at": pd.to_datetime(asked, utc=True)})


def test_rows_are_sent_in_order_as_tensors_of_the_contract(endpoint: str) -> None:
    """Types and names come from the contract alone."""
    with Traffic(endpoint, CONTRACT) as traffic:
        traffic.send(_rows("u1", "u2"))
    assert [body["inputs"][0]["data"] for body in _Endpoint.bodies] == [["u1"], ["u2"]]
    assert _Endpoint.bodies[1]["inputs"][3] == {
        "name": "asked_at",
        "shape": [1],
        "datatype": "BYTES",
        "data": ["2020-01-01T01:00:00Z"],
    }
    assert (traffic.tally.answered, traffic.tally.failures) == (2, [])


def test_a_refusal_is_counted_and_kept_word_for_word(endpoint: str) -> None:
    """Nothing that got no prediction goes under."""
    with Traffic(endpoint, CONTRACT) as traffic:
        traffic.send(_rows("u1", "u13", "u2"))
    assert (traffic.tally.answered, traffic.tally.failures) == (2, ['422: {"detail": "as asked"}'])


def test_an_endpoint_that_is_gone_is_counted_too(endpoint: str) -> None:
    """A broken connection is a failed request, not the end of the play."""
    with Traffic("http://127.0.0.1:9", CONTRACT) as traffic:
        traffic.send(_rows("u1"))
    assert (traffic.tally.answered, len(traffic.tally.failures)) == (0, 1)


def test_waiting_for_a_version_that_never_comes_says_what_was_heard(endpoint: str) -> None:
    """The person is told which version, and where to look."""
    with Traffic(endpoint, CONTRACT) as traffic:
        traffic.wait_until_serving("1", seconds=5)
        with pytest.raises(Unavailable, match=r"version 2 of toy was not ready.*as asked.*gateway.log"):
            traffic.wait_until_serving("2", seconds=0.5)
