"""A webhook's receiver: a real HTTP server that checks signatures and can be told what to answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """What came, by message id in the order of coming; `answers` are given in turn, then 204."""

    secret: str = ""
    answers: list[int] = field(default_factory=list)
    came: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?who=me"


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Run the receiver for a block; a message whose signature does not fit gets 401."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                Webhook(receiver.secret).verify(body, headers)
            except Exception:  # noqa: BLE001 - whatever is wrong with it
                status = 401
            else:
                status = receiver.answers.pop(0) if receiver.answers else 204
            receiver.came.append((headers["webhook-id"], json.loads(body)))
            receiver.bodies.append(body)
            receiver.hosts.append(headers["host"])
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
