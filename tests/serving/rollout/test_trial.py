"""Who is asked during a canary, and how the parts of a request become one answer."""

import asyncio
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any

import msgspec
import pytest

from feature_repo.definition import load_definition
from lifecycle.assignment import Arm
from lifecycle.plan import TrafficPlan
from serving.answer import Answer
from serving.rollout.trial import Trial, merged
from serving.rows import RowCodec
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import AT, CANARY, CHAMPION, INFER, PREDICT, plan, put, rows_in, trial_of
from tests.serving.test_open_inference import request

N_UNITS = 20_000


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """Return an application with a canary on half of the units."""
    made = make_bench()
    put(made, plan())
    return made


def assigned(trial: Trial) -> list[Arm]:
    """Return the arms of many planes."""
    definition = load_definition(MODEL)
    codec = RowCodec(definition.contract, N_UNITS)
    example = definition.contract.example_row()
    columns = {name: codec.convert(name, [example[name]]) * N_UNITS for name in codec.names}
    columns["tail_number"] = [f"N{number:05d}" for number in range(N_UNITS)]
    return trial.assign(codec.from_columns(columns))


def test_share_is_met_sticks_and_only_grows(make_bench: Callable[..., Bench]) -> None:
    """Within half a point over 20,000 units for canary and control alike, through every step of one canary."""
    bench = make_bench()
    before: dict[Arm, set[int]] = {Arm.CANARY: set(), Arm.CONTROL: set()}
    for step, share in enumerate((0.01, 0.1, 0.5)):
        put(bench, plan(share, revision=5 + step))
        arms = assigned(trial_of(bench))
        assert arms == assigned(trial_of(bench))
        for arm, those_before in before.items():
            now = {number for number, its in enumerate(arms) if its is arm}
            assert abs(len(now) / N_UNITS - share) <= 0.005
            assert those_before <= now
            before[arm] = now


def test_rows_of_one_request_go_to_their_arms_and_come_back_in_order(bench: Bench) -> None:
    """Every prediction says its version, and the log has each row's place in the request."""
    first, second = rows_in(bench, Arm.CANARY, 2)
    mine, other = rows_in(bench, Arm.CONTROL, 2)
    said = bench.predict(mine, first, second, other).json()
    assert said["version"] == CHAMPION
    assert [one["version"] for one in said["predictions"]] == [CHAMPION, CANARY, CANARY, CHAMPION]
    rows = sorted(bench.log.rows(), key=lambda row: row["row"])
    assert [row["prediction_id"] for row in rows] == [one["prediction_id"] for one in said["predictions"]]
    assert [row["score"] for row in rows] == [one["probability"] for one in said["predictions"]]
    assert [row["arm"] for row in rows] == ["control", "canary", "canary", "control"]
    assert [row["row"] for row in rows] == [0, 1, 2, 3]
    assert [row["unit"] for row in rows] == [one["tail_number"] for one in (mine, first, second, other)]
    assert {row["pairs_with"] for row in rows} == {None}


def test_units_of_neither_group_are_the_champion_s(make_bench: Callable[..., Bench]) -> None:
    """On its own path, as without a canary."""
    bench = make_bench()
    put(bench, plan(0.1))
    bench.predict(*rows_in(bench, Arm.CHAMPION, 3))
    assert [row["arm"] for row in bench.log.rows()] == ["champion"] * 3


def test_tensors_say_which_version_answered_each_row(bench: Bench) -> None:
    """The model's version is the champion's when several answered, and the only one otherwise."""
    (canary,), (control,) = rows_in(bench, Arm.CANARY, 1), rows_in(bench, Arm.CONTROL, 1)
    mixed = bench.ask("POST", INFER, json=request(canary, control)).json()
    assert mixed["model_version"] == CHAMPION
    assert mixed["parameters"]["versions"] == f"{CANARY},{CHAMPION}"
    alone = bench.ask("POST", INFER, json=request(canary)).json()
    assert alone["model_version"] == alone["parameters"]["version"] == CANARY
    assert "versions" not in alone["parameters"]


def test_row_without_a_unit_is_its_own(bench: Bench) -> None:
    """A flight whose plane nobody knows yet is drawn by its example id."""
    bench.predict(*(flight(tail_number=None, flight=number) for number in range(1, 101)))
    rows = bench.log.rows()
    assert all(row["unit"] == row["example_id"] for row in rows)
    arms = Counter(row["arm"] for row in rows)
    assert arms.keys() == {"canary", "control"}
    assert min(arms.values()) > 25


def test_named_versions_pass_the_arms_by(bench: Bench) -> None:
    """The champion answers as champion, the canary outside the plan."""
    rows = [flight(tail_number=f"N{number}") for number in range(10, 20)]
    for version, arm in ((CHAMPION, "champion"), (CANARY, "named")):
        bench.log.batches.clear()
        answer = bench.ask("POST", f"/v2/models/{MODEL}/versions/{version}/predict", json={"rows": rows})
        assert answer.json()["version"] == version
        assert [row["arm"] for row in bench.log.rows()] == [arm] * 10


def test_overload_of_one_arm_refuses_the_request_whole(make_bench: Callable[..., Bench]) -> None:
    """No part of it is answered and logged."""
    bench = make_bench(max_queued_requests=1)
    put(bench, plan())
    (canary,), (control,) = rows_in(bench, Arm.CANARY, 1), rows_in(bench, Arm.CONTROL, 1)
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", PREDICT, {"json": {"rows": [control]}}),
        ("POST", PREDICT, {"json": {"rows": [canary, control]}}),
    ]
    answers = bench.ask_all(requests)
    assert [answer.status_code for answer in answers] == [200, 503]
    assert [row["arm"] for row in bench.log.rows()] == ["control"]


def test_body_that_outlasts_a_rollback_is_answered_by_the_champion(bench: Bench) -> None:
    """The bad version answers nobody after it was taken back, however slowly a request arrives."""
    (canary,) = rows_in(bench, Arm.CANARY, 1)
    rolled_back = bench.stand_up(TrafficPlan(MODEL, 6, CHAMPION, None, champion_since_at=AT))
    pieces = [{"type": "http.request", "body": msgspec.json.encode({"rows": [canary]}), "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        bench.models.put(rolled_back)
        return pieces.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PREDICT, "headers": [(b"content-type", b"application/json")]}
    asyncio.run(bench.application(scope, receive, send))
    assert sent[0]["status"] == 200
    assert [(row["arm"], row["plan_revision"]) for row in bench.log.rows()] == [("champion", 6)]


def test_merged_answer_has_the_oldest_feature_age() -> None:
    """None counts for nothing beside a number."""

    def part(version: str, age: float | None) -> Answer:
        return Answer("m", version, "c", 1, [version], [0.5], ["no"], [()], age)

    both = merged("1", 2, [[1], [0]], [part("1", None), part("2", 3.0)])
    assert (both.prediction_ids, both.versions, both.feature_age_seconds) == (["2", "1"], ["2", "1"], 3.0)
    assert merged("1", 2, [[1], [0]], [part("1", None), part("1", 1.0)]).versions is None
