"""A version on trial fails, hangs or talks nonsense: the champion answers, and the log says both."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from lifecycle.assignment import Arm
from serving.arms import WORKERS
from serving.health import Health
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import (
    CANARY,
    CHAMPION,
    NAMED,
    PREDICT,
    SHORT_MS,
    Hanging,
    Kept,
    fails,
    plan,
    put,
    put_with,
    rows_in,
)


def test_failed_attempt_is_answered_by_the_champion_and_logged_beside_its_answer(
    make_bench: Callable[..., Bench],
) -> None:
    """The user sees no error; the attempt counts against the canary, paired with the row that was shown."""
    bench = make_bench()
    put_with(bench, CANARY, fails)
    rows = rows_in(bench, Arm.CANARY, 3)
    said = bench.predict(*rows).json()
    assert [one["version"] for one in said["predictions"]] == [CHAMPION] * 3
    assert said["version"] == CHAMPION
    logged = bench.log.rows()
    shown, hidden = logged[:3], logged[3:]
    assert [row["prediction_id"] for row in shown] == [one["prediction_id"] for one in said["predictions"]]
    assert {(row["arm"], row["version"], row["outcome"], row["shown"]) for row in shown} == {
        ("champion", CHAMPION, "answered", True)
    }
    assert [row["pairs_with"] for row in hidden] == [row["prediction_id"] for row in shown]
    assert {(row["arm"], row["version"], row["outcome"], row["shown"], row["score"]) for row in hidden} == {
        ("canary", CANARY, "failed", False, None)
    }
    assert hidden[0]["error"] == "ZeroDivisionError: no carrier like that"
    assert [row["unit"] for row in hidden] == [row["tail_number"] for row in rows]
    assert [row["features"] for row in hidden] == [row["features"] for row in shown]
    assert len({row["prediction_id"] for row in logged}) == 6


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda matrix: np.full(len(matrix), np.nan),
        lambda matrix: np.full(len(matrix), 1.5),
        lambda matrix: np.full(len(matrix), -0.1),
        lambda matrix: np.full(len(matrix) + 1, 0.5),
        lambda _: np.array(["often", "late"]),
        lambda _: None,
        lambda _: sys.exit(3),
    ],
)
@pytest.mark.parametrize("arm", [Arm.CANARY, Arm.CONTROL])
def test_nonsense_is_a_failure_with_a_reason(make_bench: Callable[..., Bench], nonsense: Any, arm: Arm) -> None:
    """Nothing unusable is shown to anybody, in neither of the compared arms."""
    bench = make_bench()
    put_with(bench, CANARY if arm is Arm.CANARY else CHAMPION, nonsense)
    said = bench.predict(*rows_in(bench, arm, 1)).json()
    # The control group runs the champion's version, in whose place the rule answers then.
    assert said["predictions"][0]["tier"] == ("model" if arm is Arm.CANARY else "rule")
    (failed,) = [row for row in bench.log.rows() if row["arm"] == arm]
    assert (failed["outcome"], failed["shown"]) == ("failed", False)
    assert failed["error"]


def test_one_odd_request_does_not_take_the_canary_from_the_others(make_bench: Callable[..., Bench]) -> None:
    """Each ask of a failed batch is tried by itself."""
    bench = make_bench()
    put(bench, plan())
    rows = rows_in(bench, Arm.CANARY, 3)
    served = bench.models.find(MODEL)
    assert served is not None
    column = served.definition.vector.index("scheduled_minutes")
    odd = rows[1] | {"scheduled_arrival_at": "2013-04-01T18:26:00Z"}

    def predict(matrix: np.ndarray) -> np.ndarray:
        if (matrix[:, column] == 236.0).any():
            raise ValueError("236")
        return np.full(len(matrix), 0.25)

    put_with(bench, CANARY, predict)
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [row]}}) for row in (rows[0], odd, rows[2])])
    assert [answer.json()["version"] for answer in answers] == [CANARY, CHAMPION, CANARY]
    assert [row["unit"] for row in bench.log.rows() if row["outcome"] == "failed"] == [odd["tail_number"]]


def test_answer_after_the_deadline_is_the_champion_s_and_the_late_one_is_thrown_away(
    make_bench: Callable[..., Bench], hanging: Hanging
) -> None:
    """The log says how long the attempt was waited for, and nothing of what came afterwards."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    (row,) = rows_in(bench, Arm.CANARY, 1)
    assert bench.predict(row).json()["version"] == CHAMPION
    shown, hidden = bench.log.rows()
    assert hidden["error"] == "no answer within 150 ms"
    assert hidden["predict_us"] >= SHORT_MS * 1000
    assert shown["predict_us"] < SHORT_MS * 1000
    hanging.let_go.set()
    time.sleep(0.1)
    assert len(bench.log.rows()) == 2


def test_late_result_within_one_loop_is_thrown_away(make_bench: Callable[..., Bench], hanging: Hanging) -> None:
    """Also when its event loop still runs to hear of it."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    (row,) = rows_in(bench, Arm.CANARY, 1)
    asked: list[tuple[str, str, dict[str, Any]]] = [("POST", PREDICT, {"json": {"rows": [row]}})]
    threading.Timer(2 * SHORT_MS / 1000, hanging.let_go.set).start()
    (control,) = rows_in(bench, Arm.CONTROL, 1)
    asked.append(("POST", PREDICT, {"json": {"rows": [control]}}))
    assert [answer.status_code for answer in bench.ask_all(asked)] == [200, 200]
    assert len(bench.log.rows()) == 3


def test_version_that_hangs_in_every_thread_fails_at_once_and_holds_up_nobody(
    make_bench: Callable[..., Bench], hanging: Hanging
) -> None:
    """No queue grows: only as many calls as there are threads were ever made, and the other arms go on."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    rows = rows_in(bench, Arm.CANARY, 6)
    for row in rows[:WORKERS]:
        assert bench.predict(row).status_code == 200
    began = time.monotonic()
    for row in rows[WORKERS:]:
        assert bench.predict(row).json()["version"] == CHAMPION
    assert time.monotonic() - began < (len(rows) - WORKERS) * SHORT_MS / 1000
    assert len(hanging.calls) == WORKERS
    reasons = [row["error"] for row in bench.log.rows() if row["outcome"] == "failed"]
    assert reasons == ["no answer within 150 ms"] * WORKERS + [
        f"all threads of version {CANARY} are past the deadline"
    ] * (6 - WORKERS)
    assert bench.predict(*rows_in(bench, Arm.CONTROL, 1)).json()["version"] == CHAMPION
    assert bench.log.rows()[-1]["arm"] == "control"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == f"{MODEL} {CANARY}")
    assert Health(bench.models).broken() == []
    assert bench.ask("GET", f"/v2/models/{MODEL}/versions/{CANARY}/ready").status_code == 503
    assert bench.ask("GET", "/v2/health/ready").status_code == 200
    hanging.let_go.set()
    time.sleep(0.2)
    bench.predict(rows[0])
    assert bench.log.rows()[-1]["arm"] == "canary"


def test_event_loop_goes_on_while_a_canary_predicts(make_bench: Callable[..., Bench], hanging: Hanging) -> None:
    """An answer of the control group does not wait for the canary's."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    (canary,), (control,) = rows_in(bench, Arm.CANARY, 1), rows_in(bench, Arm.CONTROL, 1)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", PREDICT, {"json": {"rows": [row]}}) for row in (canary, control)
    ]
    bench.ask_all(asked)
    assert [row["arm"] for row in bench.log.rows()] == ["control", "champion", "canary"]


def test_outage_is_no_version_s_failure(make_bench: Callable[..., Bench]) -> None:
    """Without features something fixed answers, without the log nobody does; nothing is held against anybody."""
    bench = make_bench()
    put(bench, plan())
    bench.shelf.away = True
    for arm in (Arm.CANARY, Arm.CONTROL):
        said = bench.predict(*rows_in(bench, arm, 1)).json()
        assert said["predictions"][0]["tier"] == "static"
    assert [row["outcome"] for row in bench.log.rows()] == ["answered"] * 2
    bench.log.full = True
    for arm in (Arm.CANARY, Arm.CONTROL):
        assert bench.predict(*rows_in(bench, arm, 1)).status_code == 503
    assert len(bench.log.batches) == 2


def test_full_log_while_the_champion_stands_in_answers_nobody(make_bench: Callable[..., Bench]) -> None:
    """No unlogged prediction, whoever gives it."""
    bench = make_bench()
    put_with(bench, CANARY, fails)
    bench.log.full = True
    assert bench.predict(*rows_in(bench, Arm.CANARY, 2)).status_code == 503


def test_shadow_is_shown_every_answer_of_the_champion_s_version(make_bench: Callable[..., Bench]) -> None:
    """The champion's own, the control group's, and those given in the canary's place; no failure, and no canary's."""
    bench = make_bench()
    served = put(bench, plan(0.2, shadow=True))
    bench.predict(*rows_in(bench, Arm.CONTROL, 1))
    kept = served.mirror.mirror = Kept()
    for arm in (Arm.CANARY, Arm.CONTROL, Arm.CHAMPION):
        bench.predict(*rows_in(bench, arm, 2))
    bench.ask("POST", NAMED, json={"rows": [flight()]})
    assert [row["arm"] for batch in kept.batches for row in batch.to_pylist()] == ["control"] * 2 + ["champion"] * 2
    assert all(any(batch is logged for logged in bench.log.batches) for batch in kept.batches)
    put_with(bench, CANARY, fails)
    served = put(bench, plan(0.2, shadow=True))
    kept = served.mirror.mirror = Kept()
    bench.predict(*rows_in(bench, Arm.CANARY, 1))
    assert [(row["arm"], row["outcome"]) for batch in kept.batches for row in batch.to_pylist()] == [
        ("champion", "answered")
    ]


def test_caller_that_hangs_up_does_not_disturb_an_attempt(make_bench: Callable[..., Bench], hanging: Hanging) -> None:
    """Its answer is logged and thrown away."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    (row,) = rows_in(bench, Arm.CANARY, 1)

    async def hang_up() -> None:
        task = asyncio.ensure_future(_asked(bench, row))
        await asyncio.sleep(SHORT_MS / 3000)
        task.cancel()
        await asyncio.sleep(SHORT_MS / 500)

    asyncio.run(hang_up())
    assert [one["arm"] for one in bench.log.rows()] == ["champion", "canary"]


async def _asked(bench: Bench, row: Any) -> None:
    transport = httpx.ASGITransport(bench.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        await client.post(PREDICT, json={"rows": [row]})
