"""The gateway's bell: who may ring it, and that a real MLflow server does."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import Engine

from serving.models import Models
from serving.registry_hook import FRESH_SECONDS, MAX_BYTES, RegistryHook, open_hook
from serving.routes import Application
from stores.ledger.opening import open_ledger
from stores.ledger.signals import REGISTRY, Signals
from stores.registry import Registry, VersionRecord
from stores.settings import Settings
from stores.webhook_secret import encryption_key, webhook_secret
from tests.stores.artifacts import write_version
from tests.stores.test_registry import free_port, wait_until_up

NOW = datetime(2020, 1, 1, tzinfo=UTC)
SECRET = "hush"
BODY = b'{"entity": "model_version", "action": "created"}'


def signed(body: bytes = BODY, at: datetime = NOW, secret: str = SECRET) -> dict[bytes, bytes]:
    """Return the headers that MLflow's own code makes for a call."""
    from mlflow.webhooks.delivery import _generate_hmac_signature  # noqa: PLC0415 - MLflow takes seconds to import

    stamp = str(int(at.timestamp()))
    signature = _generate_hmac_signature(secret, "delivery-1", stamp, body.decode())
    return {
        b"x-mlflow-delivery-id": b"delivery-1",
        b"x-mlflow-timestamp": stamp.encode(),
        b"x-mlflow-signature": signature.encode(),
    }


class Bell:
    """Counts its rings."""

    def __init__(self) -> None:
        self.rings: list[datetime] = []

    def call(self, headers: Mapping[bytes, bytes], body: bytes = BODY, method: str = "POST") -> int:
        """Return the status with which the gateway answers a call."""
        application = Application(Models(), registry_hook=RegistryHook(lambda: SECRET, self.rings.append, lambda: NOW))
        scope = {"type": "http", "method": method, "path": "/hooks/registry", "headers": list(headers.items())}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(application(scope, receive, send))
        return int(sent[0]["status"])


@pytest.fixture
def bell() -> Bell:
    """Return a bell that nobody rang yet."""
    return Bell()


def test_call_that_mlflow_signed_rings(bell: Bell) -> None:
    """The moment of the ring is the gateway's own."""
    assert bell.call(signed()) == 202
    assert bell.rings == [NOW]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret="guess"),
        signed(body=b"{}"),
        signed(at=NOW - timedelta(seconds=FRESH_SECONDS + 1)),
        signed(at=NOW + timedelta(seconds=FRESH_SECONDS + 1)),
        signed() | {b"x-mlflow-delivery-id": b"delivery-2"},
        signed() | {b"x-mlflow-timestamp": b"1e9"},
        signed() | {b"x-mlflow-timestamp": "¹²".encode()},
        signed() | {b"x-mlflow-timestamp": b"9" * 5000},
        signed() | {b"x-mlflow-signature": b"v1,%%%"},
        signed() | {b"x-mlflow-signature": b"v1,"},
        signed() | {b"x-mlflow-signature": signed()[b"x-mlflow-signature"].replace(b"v1", b"v0")},
    ],
)
def test_call_that_mlflow_did_not_sign_just_now_is_refused(bell: Bell, headers: dict[bytes, bytes]) -> None:
    """Unsigned, signed by another, altered, old or garbled: 401, and no ring."""
    assert bell.call(headers) == 401
    assert bell.rings == []


def test_call_that_is_too_large_or_of_another_method_is_refused(bell: Bell) -> None:
    """Nobody fills the gateway's memory through the bell."""
    assert bell.call(signed(), b"x" * (MAX_BYTES + 1)) == 413
    assert bell.call(signed(), method="GET") == 405
    assert bell.rings == []


def test_gateway_without_a_hook_serves_nothing_there() -> None:
    """The path exists only where somebody listens."""
    application = Application(Models())
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "POST", "path": "/hooks/registry", "headers": []}
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 404


@contextmanager
def gateway(home: Settings, engine: Engine) -> Iterator[str]:
    """Serve an application that holds no model, and yield its address."""
    port = free_port()
    application: Any = Application(Models(), registry_hook=open_hook(home, engine))
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", ws="none"))
    running = threading.Thread(target=server.run)
    running.start()
    try:
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        running.join()


@contextmanager
def mlflow_server(folder: Path, secret: str) -> Iterator[str]:
    """Run an MLflow server as the stack does, webhooks allowed."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": encryption_key(secret),
    }
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            wait_until_up(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=30)


def wait_for(holds: Callable[[], bool]) -> None:
    """Return once something holds; raise TimeoutError when it never does."""
    until = time.monotonic() + 30
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError("it never came")
        time.sleep(0.1)


def test_real_server_rings_when_a_version_is_registered_also_after_a_restart(home: Settings, tmp_path: Path) -> None:
    """MLflow keeps the secret under the key it is given, so a restarted server still signs with it."""
    engine = open_ledger(home.ledger_address)
    signals = Signals(engine)
    write_version(tmp_path / "version")
    with gateway(home, engine) as address:
        rung: datetime | None = None
        for start in range(2):
            with mlflow_server(tmp_path, webhook_secret(home)) as tracking:
                registry = Registry(tracking)
                if start == 0:
                    for _ in range(2):
                        registry.ensure_webhook(f"{address}/hooks/registry", webhook_secret(home))
                    assert len(registry._link.client.list_webhooks()) == 1
                registry.register(VersionRecord(model="toy", folder=tmp_path / "version"))
                wait_for(lambda before=rung: signals.last(REGISTRY) not in (None, before))  # type: ignore[misc]
                rung = signals.last(REGISTRY)
