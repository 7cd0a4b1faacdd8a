"""A canary stands up beside the champion, or it does not and nobody notices."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.assignment import Arm
from lifecycle.errors import ArtifactInvalid, Unavailable
from lifecycle.plan import CanaryArm, TrafficPlan
from serving.rollout.loading import Loading
from stores.versions import VersionFiles, Versions
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import AT, CANARY, CHAMPION, plan, put, rows_in


def test_canary_is_warm_before_it_is_asked(make_bench: Callable[..., Bench]) -> None:
    """It has read features and scored before the plan is taken over."""
    bench = make_bench()
    bench.stand_up(plan())
    assert bench.shelf.batches == [1, 2, 1, 2]


def test_versions_that_stand_are_not_warmed_again(make_bench: Callable[..., Bench]) -> None:
    """A promotion or a rollback between them is a swap."""
    bench = make_bench()
    put(bench, plan())
    promoted = replace(plan(revision=6), champion=CANARY, previous=CHAMPION, canary=None)
    for wanted in (promoted, replace(promoted, revision=7, champion=CHAMPION, previous=None)):
        put(bench, wanted)
        assert bench.shelf.batches == []
    bench.stand_up(promoted)
    assert bench.shelf.batches == [1, 2]


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ArtifactInvalid("row 0 scores 0.5"), True),
        (ValueError("odd file"), True),
        (OSError("disk"), False),
        (Unavailable("the registry is away"), False),
    ],
)
def test_canary_that_cannot_stand_is_left_out_and_the_champion_answers(
    make_bench: Callable[..., Bench], versions_root: Path, error: Exception, *, fault: bool
) -> None:
    """All units, as if there were no canary."""
    bench = make_bench()

    def open_version(model: str, version: str) -> VersionFiles:
        if version == CANARY:
            raise error
        return Versions(versions_root, None).open(model, version)

    bench.stand_up.open_version = open_version
    served = put(bench, plan())
    assert served.left_out == {CANARY: str(error)}
    assert (CANARY not in served.out_of_reach) is fault
    assert served.trial is None
    rows = [flight(tail_number=f"N{number}") for number in range(10, 30)]
    assert bench.predict(*rows).status_code == 200
    assert {row["arm"] for row in bench.log.rows()} == {"champion"}


def test_canary_that_takes_long_to_load_holds_up_no_plan(make_bench: Callable[..., Bench], versions_root: Path) -> None:
    """The plan serves without it meanwhile, and with it once it stands."""
    bench = make_bench()
    gate = threading.Event()

    def open_version(model: str, version: str) -> VersionFiles:
        if version == CANARY:
            gate.wait(10)
        return Versions(versions_root, None).open(model, version)

    bench.stand_up.open_version = open_version
    bench.stand_up.loading = Loading(0.01)
    served = put(bench, plan())
    assert (served.loading, served.left_out, served.trial) == ([CANARY], {}, None)
    rolled_back = put(bench, TrafficPlan(MODEL, 6, CHAMPION, None))
    assert (rolled_back.loading, rolled_back.left_out) == ([], {})
    gate.set()
    deadline = time.monotonic() + 10
    while (served := put(bench, plan(revision=7))).trial is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bench.predict(*rows_in(bench, Arm.CANARY, 1))
    assert bench.log.rows()[-1]["arm"] == "canary"


def test_version_that_was_made_elsewhere_is_warmed_up_by_the_contract_s_example(
    make_bench: Callable[..., Bench], versions_root: Path
) -> None:
    """Its own example has features and scores, but no requests."""
    bench = make_bench()

    def open_version(model: str, version: str) -> VersionFiles:
        files = Versions(versions_root, None).open(model, version)
        example = files.manifest.example.model_copy(update={"request": ()})
        return replace(files, manifest=files.manifest.model_copy(update={"example": example}))

    bench.stand_up.open_version = open_version
    served = bench.stand_up(plan())
    assert served.left_out == {}
    assert len(served.lanes[CANARY].arm.example) == 1
    assert bench.shelf.batches == [1] * 4


def test_version_that_takes_some_of_the_features_stands(make_bench: Callable[..., Bench], versions_root: Path) -> None:
    """It is given its own columns, in its own order; here all of them."""
    bench = make_bench()

    def open_version(model: str, version: str) -> VersionFiles:
        files = Versions(versions_root, None).open(model, version)
        return replace(files, manifest=files.manifest.model_copy(update={"inputs": files.manifest.vector}))

    bench.stand_up.open_version = open_version
    assert bench.stand_up(plan()).left_out == {}


def test_previous_champion_as_canary_stands_at_once(make_bench: Callable[..., Bench]) -> None:
    """It is loaded already."""
    bench = make_bench()
    put(bench, TrafficPlan(MODEL, 4, CHAMPION, CANARY))
    bench.stand_up.loading = Loading(0.0)
    served = put(bench, TrafficPlan(MODEL, 5, CHAMPION, CANARY, canary=CanaryArm(CANARY, 0, 0.5, 5, AT, 5)))
    assert served.trial is not None
    assert not served.lanes[CANARY].trusted
