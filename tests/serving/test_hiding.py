"""What the policy hides reaches neither the log nor captures, and the answers are the same."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from feature_repo.flight_delay import DEFINITION
from lifecycle.assignment import Arm
from lifecycle.errors import SettingInvalid
from lifecycle.log_policy import LogPolicy
from lifecycle.plan import ShadowArm, TrafficPlan
from serving.hiding import Hiding, hiding_of, no_key
from stores.policies import load_policy
from tests.serving.conftest import MODEL, POLICIES, Bench, flight
from tests.serving.rollout.trials import CANARY, fails, put_with, rows_in

TAIL = "N14228"
SEATS = DEFINITION.vector.index("seats")
PLAN = TrafficPlan(MODEL, revision=2, champion="2", previous="1")


def log_policy(*fields: tuple[str, str], features: tuple[str, ...] = ()) -> LogPolicy:
    """Return a policy that hides fields, each in its way, and drops features."""
    return LogPolicy.model_validate(
        {
            "fields": [{"name": name, "keep": keep, "because": "It is nobody's business."} for name, keep in fields],
            "dropped_features": [{"name": name, "because": "As above."} for name in features],
        }
    )


HIDDEN = log_policy(("tail_number", "hash"), ("dest", "hash"), features=("seats",))


def digest(name: str, value: str) -> str:
    """Return the hash that stands for a value in the log."""
    return hmac.new(b"a key", f"{MODEL}\0{name}\0{value}".encode(), hashlib.sha256).hexdigest()


def served(make_bench: Callable[..., Bench], kept: LogPolicy | None) -> Bench:
    """Return an application whose policy hides this."""
    bench = make_bench(kept=kept)
    bench.models.put(bench.stand_up(PLAN))
    return bench


def test_hidden_values_are_hashed_alike_and_dropped_features_null(make_bench: Callable[..., Bench]) -> None:
    """Equal values stay equal, null stays null, the rest stays as it is, and the caller gets the same score."""
    rows = (flight(), flight(flight=7), flight(tail_number=None))
    said = served(make_bench, HIDDEN).predict(*rows).json()["predictions"]
    plain = served(make_bench, None)
    assert [one["probability"] for one in said] == [
        one["probability"] for one in plain.predict(*rows).json()["predictions"]
    ]
    bench = served(make_bench, HIDDEN)
    bench.predict(*rows)
    logged = bench.log.rows()
    requests = [json.loads(row["request"]) for row in logged]
    assert [one["tail_number"] for one in requests] == [digest("tail_number", TAIL)] * 2 + [None]
    assert requests[0] | {"tail_number": TAIL, "dest": "IAH"} == flight()
    assert [row["unit"] for row in logged[:2]] == [digest("unit", TAIL)] * 2
    assert TAIL not in str(logged)
    for row, whole in zip(logged, plain.log.rows(), strict=True):
        assert row["features"][SEATS] is None
        assert [value for at, value in enumerate(row["features"]) if at != SEATS] == [
            value for at, value in enumerate(whole["features"]) if at != SEATS
        ]
        assert (row["example_id"], row["decision"], row["defaulted"]) == (
            *(whole["example_id"], whole["decision"], whole["defaulted"]),
        )  # fmt: skip


def test_field_that_is_not_kept_is_null(make_bench: Callable[..., Bench]) -> None:
    """As for a caller who did not know it."""
    bench = served(make_bench, log_policy(("tail_number", "nothing")))
    bench.predict(flight())
    assert json.loads(bench.log.rows()[0]["request"])["tail_number"] is None


def test_failed_attempts_and_named_versions_hide_the_same(make_bench: Callable[..., Bench]) -> None:
    """Whoever answers, and whoever did not."""
    bench = make_bench(kept=HIDDEN)
    put_with(bench, CANARY, fails)
    bench.predict(*rows_in(bench, Arm.CANARY, 2))
    bench.ask("POST", f"/v2/models/{MODEL}/versions/{CANARY}/predict", json={"rows": [flight()]})
    logged = bench.log.rows()
    assert {row["outcome"] for row in logged} == {"answered", "failed"}
    assert [row["features"][SEATS] for row in logged] == [None] * len(logged)
    assert {len(json.loads(row["request"])["tail_number"]) for row in logged} == {64}


def test_shadow_is_shown_features_as_they_are(make_bench: Callable[..., Bench]) -> None:
    """It scores them, and logs them without what is dropped itself; fields are hidden from it."""
    bench = make_bench(kept=HIDDEN)
    shown: list[pa.RecordBatch] = []

    class Mirror:
        def offer(self, batch: pa.RecordBatch) -> None:
            shown.append(batch)

    model = bench.stand_up(replace(PLAN, shadow=ShadowArm("1", 1, datetime(2013, 4, 1, tzinfo=UTC))))
    assert model.mirror is not None
    model.mirror.mirror = Mirror()
    bench.models.put(model)
    bench.predict(flight())
    (row,) = shown[0].to_pylist()
    assert row["features"][SEATS] == 1.0
    assert TAIL not in row["request"]
    assert bench.log.rows()[0]["features"][SEATS] is None


def test_where_nothing_is_hidden_nothing_is_to_be_paid_and_no_key_is_drawn() -> None:
    """A policy without the section, and one that names nothing."""
    policy = load_policy(POLICIES, MODEL)
    for kept in (None, log_policy()):
        assert hiding_of(policy.model_copy(update={"log": kept}), DEFINITION, DEFINITION.vector, no_key) is None


def test_without_a_key_nothing_is_hashed() -> None:
    """A hash without one could be guessed by whoever tries all planes."""
    policy = load_policy(POLICIES, MODEL).model_copy(update={"log": HIDDEN})
    with pytest.raises(SettingInvalid, match="HOLDFAST_LOG_KEY"):
        hiding_of(policy, DEFINITION, DEFINITION.vector, no_key)


def test_another_model_another_field_and_another_key_hash_otherwise() -> None:
    """So that logs of two models cannot be joined by what both hide."""
    policy = load_policy(POLICIES, MODEL).model_copy(update={"log": HIDDEN})
    other = policy.model_copy(update={"model": "other"})
    hashes = {
        Hiding(one, DEFINITION, DEFINITION.vector, key)._hash(name, TAIL)
        for one in (policy, other)
        for key in (b"a", b"b")
        for name in ("tail_number", "dest")
    }
    assert len(hashes) == 8
