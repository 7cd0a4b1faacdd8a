"""The load that the drills rely on counts everything that is not an answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.drills.load import Load

GOOD = b'{"version":"1","plan_revision":7,"predictions":[{"prediction_id":"a","version":"1"}]}'


def answer(status: int, body: bytes, more: str = "") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@contextmanager
def server(reply: Callable[[int], bytes]) -> Iterator[tuple[str, int]]:
    """Serve one connection after the other; a reply that is cut short, or empty, closes its connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        turn = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                while connection.recv(65536):
                    said = reply(turn)
                    turn += 1
                    connection.sendall(said)
                    if not said.endswith(b"}"):
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (lambda _: answer(503, b'{"detail":"full"}'), "503"),
        (lambda _: answer(302, b"{}"), "302"),
        (lambda _: b"", "closed under the request"),
        (lambda _: answer(200, GOOD)[:-10], "closed under the request"),
    ],
    ids=["refused", "redirected", "closed", "cut short"],
)
def test_anything_but_a_whole_answer_counts_as_failed(reply: Callable[[int], bytes], named: str) -> None:
    """Once for each request."""
    with server(reply) as address, Load(address, "/", [b"{}"] * 5, connections=1) as load:
        load.join()
    assert load.answered == []
    assert len(load.failures) == 5
    assert all(named in failure for failure in load.failures)


def test_connection_closed_between_requests_is_opened_again() -> None:
    """As every client does after `Connection: close`."""
    close = "Connection: close\r\n"
    with (
        server(lambda turn: answer(200, GOOD, close if turn % 2 else "")) as address,
        Load(address, "/", [b"{}"] * 6, connections=1) as load,
    ):
        load.join()
    assert load.failures == []
    assert [(one.number, one.plan_revision, one.prediction_ids) for one in load.answered] == [
        (number, 7, ["a"]) for number in range(6)
    ]


def test_server_that_is_away_fails_every_request() -> None:
    """Nothing is skipped in silence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with Load(address, "/", [b"{}"] * 3, connections=2) as load:
        load.join()
    assert len(load.failures) == 3
