"""Requests without a key that are the same at the same moment share one answer, and others do not."""

import asyncio
from typing import Any

import pytest

from lifecycle.priority import Priority
from serving.caller import ANYBODY, Caller
from serving.dialects import DIALECTS
from serving.exchange import Response
from serving.predicting import Request
from serving.sharing import Sharing
from tests.serving.conftest import MODEL, Bench, flight

INFER, ROWS = DIALECTS
PREDICT = f"/v2/models/{MODEL}/predict"


def request(**changes: Any) -> Request:
    """Return a request, changed."""
    first: dict[str, Any] = {
        "dialect": ROWS,
        "model": "m",
        "version": None,
        "headers": {},
        "caller": ANYBODY,
        "body": b"{}",
    }
    return Request(**first | changes)


class Computing:
    """Computes slowly, and counts."""

    def __init__(self) -> None:
        self.computed: list[Request] = []
        self.fails = False
        self.gate = asyncio.Event()

    async def __call__(self, asked: Request) -> Response:
        """Return a response that says how many there were."""
        self.computed.append(asked)
        number = len(self.computed)
        await self.gate.wait()
        if self.fails:
            raise ValueError("out of order")
        return Response(str(number).encode())


def answers(*requests: Request, fails: bool = False) -> tuple[list[Any], Computing, list[str]]:
    """Return what requests at the same moment get, who computed, and the models that were told to have shared."""
    told: list[str] = []

    async def all_of_them() -> tuple[list[Any], Computing]:
        sharing, computing = Sharing(told.append), Computing()
        computing.fails = fails
        waiting = [asyncio.create_task(sharing.answer(one, computing)) for one in requests]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        computing.gate.set()
        got = await asyncio.gather(*waiting, return_exceptions=True)
        assert sharing._under_way == {}
        return got, computing

    got, computing = asyncio.run(all_of_them())
    return got, computing, told


def test_same_requests_at_once_share_one_answer() -> None:
    """And are counted, all but the one that computes."""
    got, computing, told = answers(request(), request(), request())
    assert [one.body for one in got] == [b"1"] * 3
    assert len(computing.computed) == 1
    assert told == ["m", "m"]


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b"{} "},
        {"model": "n"},
        {"version": "1"},
        {"dialect": INFER},
        {"caller": Caller("a tenant")},
        {"caller": Caller(None, Priority.BACKFILL)},
        {"headers": {b"inference-header-content-length": b"2"}},
        {"headers": {b"cache-control": b"no-cache"}},
    ],
    ids=["body", "model", "version", "dialect", "tenant", "priority", "length of the JSON part", "a new answer"],
)
def test_requests_that_differ_in_anything_are_computed_apart(changes: dict[str, Any]) -> None:
    """Nobody gets what another has asked for, nor waits for one of lower priority."""
    got, computing, told = answers(request(), request(**changes))
    assert len(computing.computed) == 2
    assert {one.body for one in got} == {b"1", b"2"}
    assert told == []


def test_headers_that_change_no_answer_are_no_difference() -> None:
    """Such as a request's own name."""
    _, computing, _ = answers(request(headers={b"x-request-id": b"a"}), request(headers={b"x-request-id": b"b"}))
    assert len(computing.computed) == 1


def test_failure_reaches_all_who_wait() -> None:
    """And the next request is computed anew."""
    got, computing, _ = answers(request(), request(), fails=True)
    assert [str(one) for one in got] == ["out of order"] * 2
    assert len(computing.computed) == 1


def test_caller_who_goes_away_leaves_the_work_to_one_who_waits() -> None:
    """Nobody is left without an answer."""

    async def asked() -> tuple[list[Response], int]:
        sharing, computing = Sharing(), Computing()
        first, *others = [asyncio.create_task(sharing.answer(request(), computing)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0.01)
        computing.gate.set()
        return await asyncio.gather(*others), len(computing.computed)

    got, computed = asyncio.run(asked())
    assert [one.body for one in got] == [b"2", b"2"]
    assert computed == 2


def test_gateway_logs_what_is_shared_once(bench: Bench) -> None:
    """The same prediction ids for all, and one row."""
    asked = [("POST", PREDICT, {"json": {"rows": [flight()]}})] * 4
    got = bench.ask_all(asked)
    assert {one.status_code for one in got} == {200}
    assert len({one.content for one in got}) == 1
    assert len(bench.log.rows()) == 1


def test_one_after_the_other_is_computed_each_time(bench: Bench) -> None:
    """It is no cache."""
    first, second = bench.predict(flight()), bench.predict(flight())
    assert first.json()["predictions"][0]["prediction_id"] != second.json()["predictions"][0]["prediction_id"]
    assert len(bench.log.rows()) == 2
