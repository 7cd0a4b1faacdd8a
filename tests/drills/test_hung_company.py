"""What hangs beside the users' path: a webhook's receiver, and a version in shadow."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from stores.ledger.deliveries import Deliveries
from stores.ledger.job_lists import JobLists
from stores.prediction_log.table import PredictionLog
from stores.signing_secret import master_secrets, tenant_secrets
from tests.drills.failing_version import FOREVER, write_failing_version
from tests.drills.flights import ENDLESS_MILES, body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.leaving import Leaving
from tests.drills.users import mostly_since, unnoticing
from tests.serving.conftest import MODEL, flight
from tests.serving.jobs.receiver import Receiver, receiving
from tests.serving.test_server import until

SHADOW = "10"
TO_WHO_HANGS = 100
"""More than both replicas send at once to one receiver."""
TO_OTHERS = 20
LIMIT_SECONDS = 60.0
SHADOW_SECONDS, SHIPPED_SECONDS = 300.0, 60.0

pytestmark = [
    pytest.mark.timeout(500),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@dataclass
class Silent:
    """A receiver that takes connections and says nothing until it is `woken`."""

    port: int = 0
    connections: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hang, then take the message."""
        self.connections += 1
        await self.woken.wait()
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            """The sender has given up."""
        finally:
            writer.close()

    def wake(self) -> None:
        """Answer from now on; from any thread."""
        self.loop.call_soon_threadsafe(self.woken.set)


def test_receiver_that_hangs_holds_up_no_message_to_another(gateway: Gateway) -> None:
    """Nor a request; and once it answers, it is told everything that was meant for it."""
    secret = tenant_secrets(master_secrets(gateway.chosen), None)[0]
    with unnoticing(gateway, "a webhook's receiver hangs"), _silent() as silent, receiving(Receiver(secret)) as other:
        try:
            hanging = _leave(gateway, f"http://127.0.0.1:{silent.port}/", TO_WHO_HANGS)
            until(lambda: silent.connections > 0, LIMIT_SECONDS)
            began = time.monotonic()
            told = _leave(gateway, other.url, TO_OTHERS)
            until(lambda: {f"job_{one}" for one in told} <= {name for name, _ in other.came}, LIMIT_SECONDS)
            seconds = time.monotonic() - began
            lists = JobLists(gateway.engine)
            assert lists.standing(MODEL).undelivered >= len(hanging)
        finally:
            silent.wake()
        until(lambda: _nothing_open(lists), 60)
    assert Deliveries(gateway.engine).dead() == ()
    print(f"{TO_OTHERS} messages to another receiver took {seconds:.1f} s")  # noqa: T201 - the drill's result


def test_shadow_that_hangs_is_nobody_s_business(gateway: Gateway) -> None:
    """Its process is ended, and what it was shown counts as failed; everybody is answered by the champion."""
    write_failing_version(gateway.chosen.versions, SHADOW, turns=FOREVER)
    with unnoticing(gateway, "the shadow hangs", ENDLESS_MILES) as load:
        gateway.followed(gateway.change("start_shadow", lambda plan, at: plan.start_shadow(SHADOW, at)).revision)
        began = time.monotonic()
        try:
            # A shadow has what others leave of the cores: its start and its five hundred milliseconds may take minutes.
            until(lambda: any("hung: no answer" in trouble for trouble in _troubles(gateway)), SHADOW_SECONDS)
            until(lambda: _failed_in_shadow(gateway) > 0, SHIPPED_SECONDS)
        except AssertionError as error:
            error.add_note(f"the replicas say of it: {[report.shadow for report in gateway.reports()]}")
            raise
        finally:
            gateway.followed(gateway.change("end_shadow", lambda plan, _: plan.end_shadow()).revision)
        assert mostly_since(load, began) == "model"
    print(f"{_failed_in_shadow(gateway)} rows failed in shadow")  # noqa: T201 - the drill's result


def _leave(gateway: Gateway, webhook: str, count: int) -> set[str]:
    bodies = [body([flight(tail_number=tail)]) for tail in planes(count)]
    leaving = Leaving(gateway.address, PATH, webhook, bodies, connections=8)
    leaving.start()
    leaving.join()
    return set(leaving.acknowledged.values())


def _nothing_open(lists: JobLists) -> bool:
    standing = lists.standing(MODEL)
    return not (standing.waiting or standing.running or standing.undelivered)


def _troubles(gateway: Gateway) -> list[str]:
    """Return what the replicas say is wrong with the shadow beside them, "" where nothing is."""
    return [str(report.shadow["trouble"]) for report in gateway.reports() if report.shadow is not None]


def _failed_in_shadow(gateway: Gateway) -> int:
    sql = "SELECT count(*) AS n FROM predictions WHERE arm = 'shadow' AND outcome = 'failed'"
    return int(PredictionLog(gateway.chosen.prediction_log).query(sql)[0]["n"])


@contextmanager
def _silent() -> Iterator[Silent]:
    silent = Silent()

    async def serve() -> None:
        server = await asyncio.start_server(silent.answer, "127.0.0.1", 0)
        silent.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        server.close()

    ready, ended = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: silent.loop.run_until_complete(serve()), name="silent")
    thread.start()
    ready.wait()
    try:
        yield silent
    finally:
        silent.loop.call_soon_threadsafe(ended.set)
        thread.join()
        silent.loop.close()
