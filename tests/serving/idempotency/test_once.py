"""A key is answered once: on one replica, on two, with the ledger away, and by the rules of the policy."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from lifecycle.errors import Unavailable
from stores.ledger.idempotency_schema import idempotency_keys
from stores.ledger.key_operations import Claim, Completing, Operation
from stores.prediction_log.delta import table_folder
from tests.serving.conftest import MODEL, flight
from tests.serving.idempotency.replica import PREDICT, Replica, logged, open_replica
from tests.serving.test_open_inference import binary_inputs

Open = Callable[..., Replica]


@dataclass
class AwayKeys:
    """A ledger that may be away, before or after it has done what it was asked."""

    keys: Any
    away: bool = False
    answers: bool = True

    def work(self, operations: Sequence[Operation], now: datetime) -> Sequence[Claim | None]:
        """Do the operations, or lose them, or lose only the answer."""
        if self.away:
            raise OperationalError("connect", {}, OSError("connection refused"))
        done: Sequence[Claim | None] = self.keys.work(operations, now)
        if not self.answers:
            raise OperationalError("commit", {}, OSError("connection reset"))
        return done


@dataclass
class FullLog:
    """A prediction log on a disk that may be full."""

    log: Any
    full: bool = False

    def append(self, batch: pa.RecordBatch) -> None:
        """Append to the log, or say that the disk is full."""
        if self.full:
            raise Unavailable("No space left on device")
        self.log.append(batch)


@pytest.fixture
def start(tmp_path: Path, versions_root: Path) -> Iterator[Open]:
    """Return a starter of replicas on one state folder."""
    started: list[Replica] = []

    def one(**more: Any) -> Replica:
        started.append(open_replica(tmp_path, versions_root, **more))
        return started[-1]

    yield one
    for replica in started:
        replica.stop()


def ids(answer: Any) -> list[str]:
    """Return the prediction ids of an answer."""
    return [one["prediction_id"] for one in answer.json()["predictions"]]


def test_repeated_request_gets_the_stored_answer_and_no_second_row(start: Open, tmp_path: Path) -> None:
    """Byte for byte, and marked; the first is not."""
    replica = start()
    first, again, later = (replica.ask("k", [flight(), flight(flight=2)]) for _ in range(3))
    assert first.status_code == again.status_code == 200
    assert "idempotent-replayed" not in first.headers
    assert [one.headers["idempotent-replayed"] for one in (again, later)] == ["true", "true"]
    assert first.content == again.content == later.content
    assert replica.shelf.batches == [2]
    replica.writer.seal()
    assert sorted(row["prediction_id"] for row in logged(tmp_path)) == sorted(ids(first))


def test_same_key_on_another_body_is_refused(start: Open) -> None:
    """Also on another replica, and nothing is computed."""
    one, other = start(), start()
    one.ask("k", [flight()])
    for replica in (one, other):
        refused = replica.ask("k", [flight(flight=2)])
        assert (refused.status_code, refused.json()["title"]) == (422, "idempotency key reused")
    assert (one.shelf.batches, other.shelf.batches) == ([1], [])


def test_key_belongs_to_its_path(start: Open) -> None:
    """Another version or another way to ask is another request, and has the key for itself."""
    replica = start()
    first = replica.ask("k")
    named = replica.ask("k", path=f"/v2/models/{MODEL}/versions/2/predict")
    assert first.status_code == named.status_code == 200
    assert ids(first) != ids(named)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"], ids=["empty", "too long", "a tab"])
def test_key_that_cannot_be_one_is_refused_with_what_is_allowed(start: Open, key: str) -> None:
    """Nothing is cut or converted."""
    refused = start().ask(key)
    assert refused.status_code == 400
    assert refused.json()["type"].endswith("malformed-idempotency-key")
    assert "1 to 255 printable ASCII" in refused.json()["detail"]


def test_five_at_once_on_two_replicas_run_once(start: Open, tmp_path: Path) -> None:
    """Twenty keys, each sent five times at the same moment."""
    replicas = [start(), start()]

    async def all_at_once() -> list[list[Any]]:
        sends = [[replicas[n % 2].send(f"k{key}", [flight(flight=key)]) for n in range(5)] for key in range(1, 21)]
        return await asyncio.gather(*(asyncio.gather(*some) for some in sends))

    answers = asyncio.run(all_at_once())
    for some in answers:
        assert {one.status_code for one in some} == {200}
        assert len({one.content for one in some}) == 1
        assert sum("idempotent-replayed" not in one.headers for one in some) == 1
    assert sum(sum(replica.shelf.batches) for replica in replicas) == 20
    for replica in replicas:
        replica.writer.seal()
    assert len(logged(tmp_path)) == 20


def test_binary_answer_is_replayed_with_its_headers(start: Open) -> None:
    """The length of the JSON part belongs to the answer."""
    replica = start()
    body, length = binary_body()
    head = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(length)}
    path = f"/v2/models/{MODEL}/infer"
    first, again = (replica.ask("k", path=path, headers=dict(head), content=body) for _ in range(2))
    assert first.status_code == 200, first.text
    assert again.headers["inference-header-content-length"] == first.headers["inference-header-content-length"]
    assert again.headers["content-type"] == first.headers["content-type"] == "application/octet-stream"
    assert again.content == first.content


def test_refusal_that_would_be_the_same_again_is_kept(start: Open) -> None:
    """A contract violation; the key is spent on that body."""
    replica = start()
    first, again = (replica.ask("k", [flight(distance_miles=-1.0)]) for _ in range(2))
    assert first.status_code == again.status_code == 422
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert replica.ask("k", [flight()]).json()["title"] == "idempotency key reused"


def test_failure_is_not_kept(start: Open) -> None:
    """The next try with the key is the first that counts."""
    full: list[FullLog] = []

    def log(writer: Any) -> FullLog:
        full.append(FullLog(writer))
        return full[-1]

    replica = start(log=log)
    full[0].full = True
    assert replica.ask("k").status_code == 503
    full[0].full = False
    answer = replica.ask("k")
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers


def test_ledger_that_is_away_refuses_keyed_requests_and_no_others(start: Open) -> None:
    """With Retry-After, before anything is computed; when it is back, the key is free."""
    away = AwayKeys(None, away=True)

    def keys(real: Any) -> AwayKeys:
        away.keys = real
        return away

    replica = start(keys=keys)
    refused = replica.ask("k")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "ledger cannot be reached" in refused.json()["detail"]
    assert replica.shelf.batches == []
    assert replica.ask(None).status_code == 200
    away.away = False
    assert replica.ask("k").status_code == 200


def test_ledger_that_stays_away_is_not_asked_for_ever_more_keys(start: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be told to it once it is back is bounded; until then keys are refused without asking."""
    monkeypatch.setattr("serving.idempotency.book.MOST_UNTOLD", 2)
    away = AwayKeys(None, away=True)

    def keys(real: Any) -> AwayKeys:
        away.keys = real
        return away

    replica = start(keys=keys)

    async def asked() -> tuple[list[int], int]:
        statuses = [(await replica.send(f"k{number}")).status_code for number in range(4)]
        waiting = len(replica.book._untold)
        away.away = False
        while replica.book._untold:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
        return [*statuses, (await replica.send("k3")).status_code], waiting

    assert asyncio.run(asked()) == ([503] * 4 + [200], 2)


def test_claim_whose_confirmation_was_lost_is_not_stuck(start: Open) -> None:
    """The ledger took it and the connection broke: the key is answered, on this replica and on others."""
    lossy = AwayKeys(None, answers=False)

    def keys(real: Any) -> AwayKeys:
        lossy.keys = real
        return lossy

    one, other = start(keys=keys), start()

    async def asked() -> list[Any]:
        lost = await one.send("k")
        lossy.answers = True
        # On one event loop, which goes on telling the ledger what it should know.
        return [lost, await other.send("k"), await one.send("k")]

    lost, there, here = asyncio.run(asked())
    assert [one.status_code for one in (lost, there, here)] == [503, 200, 200]
    assert there.content == here.content


def test_answer_that_cannot_be_stored_is_given_once_it_can(start: Open, tmp_path: Path) -> None:
    """Computed and logged once; 503 until it is stored, then the answer, on any replica."""

    @dataclass
    class Forgetful(AwayKeys):
        def work(self, operations: Sequence[Operation], now: datetime) -> Sequence[Claim | None]:
            self.away = self.answers and any(isinstance(one, Completing) for one in operations)
            lost, self.answers = self.answers, True
            try:
                return AwayKeys.work(self, operations, now)
            finally:
                self.answers = lost

    held: list[Forgetful] = []

    def keys(real: Any) -> Forgetful:
        held.append(Forgetful(real))
        return held[0]

    one, other = start(keys=keys), start()

    async def asked() -> list[Any]:
        lost = await one.send("k")
        held[0].answers = False
        return [lost, await other.send("k"), await one.send("k")]

    lost, there, here = asyncio.run(asked())
    assert [answer.status_code for answer in (lost, there, here)] == [503, 200, 200]
    assert there.content == here.content
    assert (one.shelf.batches, other.shelf.batches) == ([1], [])
    one.writer.seal()
    assert [row["prediction_id"] for row in logged(tmp_path)] == ids(here)


def test_request_behind_one_that_takes_long_is_told_to_come_again(start: Open) -> None:
    """409 with Retry-After after the policy's wait, on the same replica and on another; the first goes on."""
    one, other = start(wait_ms=150), start(wait_ms=150)

    async def asked() -> list[Any]:
        compute = one.application._predicting.compute
        gate = asyncio.Event()

        async def slow(request: Any) -> Any:
            await gate.wait()
            return await compute(request)

        one.application._predicting.compute = slow  # type: ignore[method-assign]
        first = asyncio.create_task(one.send("k"))
        await asyncio.sleep(0.1)
        late = await asyncio.gather(one.send("k"), other.send("k"))
        gate.set()
        return [*late, await first, await other.send("k")]

    here, there, first, after = asyncio.run(asked())
    for late in (here, there):
        assert (late.status_code, late.headers["retry-after"]) == (409, "1")
        assert late.json()["type"].endswith("idempotency-key-in-use")
    assert first.status_code == 200
    assert after.content == first.content


def test_caller_who_hangs_up_does_not_end_the_request(start: Open) -> None:
    """Whoever asks next gets its answer."""
    replica = start()

    async def asked() -> Any:
        first = asyncio.create_task(replica.send("k"))
        once: Any = replica.application._predicting.keyed
        while not once._under_way:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        first.cancel()
        return await replica.send("k")

    answer = asyncio.run(asked())
    assert answer.headers["idempotent-replayed"] == "true"
    assert replica.shelf.batches == [1]


def test_key_whose_time_is_over_is_a_new_one(start: Open) -> None:
    """By the policy's hours, on the machine's clock."""
    replica = start(keep_hours=1)
    first = replica.ask("k")
    replica.book.now = lambda: datetime.now(UTC) + timedelta(hours=1, seconds=1)
    second = replica.ask("k")
    assert "idempotent-replayed" not in second.headers
    assert ids(first) != ids(second)


def test_answer_that_is_too_long_to_keep_is_given_once(start: Open) -> None:
    """Who repeats the request is told so; it is not run again."""
    replica = start(max_answer_bytes=10)
    first, again = replica.ask("k"), replica.ask("k")
    assert first.status_code == 200
    assert (again.status_code, again.json()["title"]) == (409, "answer not kept")
    assert replica.shelf.batches == [1]


def test_recovered_answer_is_the_one_that_was_given(start: Open) -> None:
    """From the log alone, byte for byte: for many rows, some with defaults."""
    rows = [flight(flight=number, tail_number="N00000" if number % 2 else f"N{number:05d}") for number in range(1, 40)]
    dead, living = start(), start()
    first = dead.ask("k", rows)
    with dead.engine.begin() as connection:
        connection.execute(
            update(idempotency_keys).values(owner="nobody", former=[dead.writer.owned.app_id], status=None)
        )
    again = living.ask("k", rows)
    assert first.status_code == 200
    assert living.shelf.batches == []
    assert again.content == first.content


def test_owner_on_another_disk_is_waited_for_until_its_lease_is_over(start: Open) -> None:
    """Its death cannot be seen from here."""
    replica = start(wait_ms=50)
    replica.ask("k")
    with replica.engine.begin() as connection:
        elsewhere = {"owner": "far.1", "place": "another disk", "status": None}
        connection.execute(update(idempotency_keys).values(elsewhere))
    assert replica.ask("k").status_code == 409
    with replica.engine.begin() as connection:
        connection.execute(update(idempotency_keys).values(lease_until=datetime.now(UTC)))
    assert replica.ask("k").status_code == 200


def test_log_that_cannot_be_read_leaves_the_key_to_whoever_comes_next(start: Open, tmp_path: Path) -> None:
    """503 for now; nothing is run, because it may have run already."""
    dead, one, other = start(), start(), start()
    first = dead.ask("k")
    with dead.engine.begin() as connection:
        connection.execute(
            update(idempotency_keys).values(owner="nobody", former=[dead.writer.owned.app_id], status=None)
        )
    table = table_folder(tmp_path / "predictions")
    (table / "_delta_log").mkdir(parents=True)
    (table / "_delta_log" / f"{0:020d}.json").write_text("{not json", encoding="utf-8")
    assert one.ask("k").status_code == 503
    (table / "_delta_log" / f"{0:020d}.json").unlink()
    (table / "_delta_log").rmdir()
    table.rmdir()
    again = other.ask("k")
    assert again.content == first.content
    assert (one.shelf.batches, other.shelf.batches) == ([], [])


def test_gateway_without_keys_refuses_one(bench: Any) -> None:
    """It is not ignored in silence."""
    refused = bench.ask("POST", PREDICT, json={"rows": [flight()]}, headers={"Idempotency-Key": "k"})
    assert refused.status_code == 501


def binary_body() -> tuple[bytes, int]:
    """Return a request with binary tensors and the length of its JSON part, as a stock client makes it."""
    from tritonclient.http import InferenceServerClient  # noqa: PLC0415 - slow to import

    body, length = InferenceServerClient.generate_request_body(binary_inputs([flight()]))
    assert length is not None
    return bytes(body), length
