"""A message goes to the address that was checked, and only to whoever has the certificate of the name."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lifecycle.jobs import DeliveryState, JobState
from serving.jobs.sending import NotTaken, Sender, open_client
from stores.ledger.job_records import Delivery, Job, StoredAnswer, ToSend

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME = "hooks.example"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate for a name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


@contextmanager
def receiving(context: ssl.SSLContext | None, body: bytes = b"") -> Iterator[tuple[int, list[str]]]:
    """Run a receiver, over TLS with a context; gives its port and the hosts that it was called by."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            hosts.append(self.headers["host"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1], hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sending(url: str) -> ToSend:
    """Return a message to a URL."""
    job = Job("a", "m", "2", 5, "predict", None, 1, JobState.SUCCEEDED, 1, "r", None, url, NOW, NOW, NOW, 200)
    delivery = Delivery("a", "m", url, DeliveryState.SENDING, 1, None, NOW, None)
    return ToSend(1, delivery, job, StoredAnswer(200, "application/json", {}, b"{}"))


def send(url: str, trusted: ssl.SSLContext | None = None, timeout_seconds: float = 5.0) -> None:
    """Send a message; raises NotTaken."""

    async def sent() -> None:
        async with open_client(4, trusted) as client:
            await Sender(client, ("a" * 24,), allow_private=True).send(sending(url), timeout_seconds)

    asyncio.run(sent())


@pytest.mark.parametrize("certified", [NAME, "other.example"])
def test_only_the_holder_of_the_name_s_certificate_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certified: str
) -> None:
    """The connection goes to an address, and the certificate must be the name's all the same."""
    chain, key = certificate(tmp_path, certified)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(chain, key)
    trusted = ssl.create_default_context(cafile=str(chain))
    looked_up: list[object] = []

    def found(host: object, port: int, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with receiving(served) as (port, hosts):
        with monkeypatch.context() as names:
            names.setattr(socket, "getaddrinfo", found)
            url = f"https://{NAME}:{port}/hook"
            if certified == NAME:
                send(url, trusted)
            else:
                with pytest.raises(NotTaken, match="certificate"):
                    send(url, trusted)
        assert hosts == ([f"{NAME}:{port}"] if certified == NAME else [])
    # Once by us; what is connected to is a number, which needs no look-up of the name.
    assert looked_up.count(NAME) == 1


def test_a_receiver_that_says_nothing_is_not_waited_for_longer_than_the_policy_has_it() -> None:
    """It accepted the connection and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NotTaken, match=r"no answer within 0\.2 s"):
            send(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_seconds=0.2)


def test_a_receiver_that_nobody_can_reach_is_named() -> None:
    """With what the system says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NotTaken, match="ConnectError"):
        send(f"http://127.0.0.1:{port}/")


def test_what_a_receiver_says_beside_its_status_is_not_read() -> None:
    """However long it is."""
    with receiving(None, body=b"x" * 10_000_000) as (port, hosts):
        send(f"http://127.0.0.1:{port}/")
        assert hosts == [f"127.0.0.1:{port}"]
