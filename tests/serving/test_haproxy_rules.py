"""The real HAProxy by our rules: who waits, who goes first, and who is turned away before a replica hears of them."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from serving.haproxy import find_haproxy, wrap_haproxy
from serving.haproxy_rules import Waiting
from tests.serving.test_server import free_port, until

CONFIG = """\
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option abortonclose
    errorfile 503 {errorfile}
frontend prometheus
    bind :{metrics}
frontend http_frontend
    bind 127.0.0.1:{port}
    default_backend holdfast
backend holdfast
    http-reuse always
    server r1 127.0.0.1:{replica} check inter 60s observe layer4 error-limit 3 on-error mark-down
"""
"""The lines of Ray's own configuration that our rules take hold of."""
WAITING = Waiting(request_seconds=1, queue_seconds=3, queued=8, at_once=1)


@dataclass
class Replica:
    """A server that answers when it is told to, and remembers the order of those who asked."""

    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def serve(self) -> ThreadingHTTPServer:
        """Return it listening."""
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                replica.asked.append(self.headers["x-name"])
                replica.gate.wait(10)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@dataclass
class Proxy:
    """HAProxy before a replica that answers one request at a time."""

    port: int
    replica: Replica

    def post(self, name: str, priority: str | None = None) -> httpx.Response:
        """Return the answer to a request."""
        headers = {"x-name": name} | ({} if priority is None else {"x-holdfast-priority": priority})
        return httpx.post(f"http://127.0.0.1:{self.port}/v2/models/m/predict", headers=headers, json={}, timeout=20)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """Start HAProxy as Ray does, by our wrapper."""
    binary = find_haproxy()
    assert binary is not None
    replica = Replica()
    server = replica.serve()
    port, metrics = free_port(), free_port()
    config = tmp_path / "node" / "haproxy.cfg"
    config.parent.mkdir()
    errorfile = config.with_name("500.http")
    errorfile.write_text("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
    config.write_text(CONFIG.format(port=port, metrics=metrics, replica=server.server_address[1], errorfile=errorfile))
    program = wrap_haproxy(binary, tmp_path, 1, metrics, WAITING)
    process = subprocess.Popen([program, "-db", "-f", config], stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: _listens(port) or process.poll() is not None, 10)
        assert process.poll() is None, process.communicate()[1]
        yield Proxy(port, replica)
    finally:
        replica.gate.set()
        process.terminate()
        process.communicate(timeout=10)
        server.shutdown()
        server.server_close()
        shutil.rmtree(config.parent)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_most_urgent_of_those_who_wait_goes_first(proxy: Proxy) -> None:
    """One at a time reaches the replica, whoever came before."""
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(proxy.post, "first")]
        until(lambda: proxy.replica.asked == ["first"], 5)
        for name, priority in (("backfill", "backfill"), ("standard", None), ("urgent", "interactive")):
            waiting.append(pool.submit(proxy.post, name, priority))
            time.sleep(0.2)
        proxy.replica.gate.set()
        assert [one.result().status_code for one in waiting] == [200] * 4
    assert proxy.replica.asked == ["first", "urgent", "standard", "backfill"]


def test_least_urgent_are_turned_away_first_while_many_wait(proxy: Proxy) -> None:
    """Of 8 places, a backfill gets none of the last 6, a standard request none of the last 4, an urgent one all."""
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(proxy.post, "first")]
        until(lambda: proxy.replica.asked == ["first"], 5)

        def wait_in_line(times: int, priority: str | None) -> None:
            for _ in range(times):
                waiting.append(pool.submit(proxy.post, "waits", priority))
                time.sleep(0.1)

        wait_in_line(2, None)
        backfill = proxy.post("backfill", "backfill")
        wait_in_line(2, None)
        standard = proxy.post("standard")
        wait_in_line(4, "interactive")
        urgent = proxy.post("urgent", "interactive")
        proxy.replica.gate.set()
        assert [one.result().status_code for one in waiting] == [200] * 9
    assert [one.status_code for one in (backfill, standard, urgent)] == [503] * 3
    assert [one.headers["retry-after"] for one in (backfill, standard, urgent)] == ["5", "1", "1"]
    assert backfill.headers["content-type"] == "application/problem+json"
    assert backfill.json()["type"] == "/docs#problem-overloaded"
    assert set(proxy.replica.asked) == {"first", "waits"}


def test_request_for_which_no_replica_has_time_gets_503_and_when_to_come_back(proxy: Proxy) -> None:
    """Not Ray's 500."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(proxy.post, "first")
        until(lambda: proxy.replica.asked == ["first"], 5)
        late = proxy.post("late")
        proxy.replica.gate.set()
        assert first.result().status_code == 200
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert "3 s" in late.json()["detail"]


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v2/models/m/predict HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /v2/models/m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["head", "body"],
)
def test_client_that_dribbles_is_cut_off_and_holds_no_replica(proxy: Proxy, sent: bytes) -> None:
    """Head or body: after the time for a request it is a 408."""
    proxy.replica.gate.set()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as dribbler:
        dribbler.sendall(sent)
        assert proxy.post("other").status_code == 200
        said = b""
        while piece := dribbler.recv(65536):
            said += piece
    assert said.startswith(b"HTTP/1.1 408")
    # Of a head that is not there whole HAProxy knows nobody whom a document could help.
    assert b"\r\nX-Slow: " in sent or json.loads(said.split(b"\r\n\r\n")[1])["title"] == "request too slow"
    assert proxy.replica.asked == ["other"]
