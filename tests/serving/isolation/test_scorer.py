"""A version in a process of its own scores as it would here, and whatever it does stays over there."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from feature_repo.definition import load_definition
from lifecycle.errors import ArtifactInvalid, InvalidInput, Unavailable
from lifecycle.resources_policy import ArmResources
from serving.isolation.lost import ProcessLost
from serving.isolation.scorer import Isolated, VersionRaised, isolate
from stores.predictor import Predictor, load_predictor
from stores.versions import VersionFiles, Versions
from tests.serving.conftest import MODEL
from tests.serving.isolation.unruly import CHATTER, CRASH, FAIL, GORGE, HANG
from tests.serving.shadow.conftest import until

UNRULY = (sys.executable, str(Path(__file__).with_name("unruly.py")))
NEEDS = ArmResources(cpus=0, gpus=0, device="cpu", memory_mb=600, placement="isolated", deadline_ms=2000)


@dataclass(frozen=True)
class Standing:
    """An isolated version, and its end here."""

    predictor: Predictor

    @property
    def isolated(self) -> Isolated:
        """What calls the process."""
        assert isinstance(self.predictor.predict, Isolated)
        return self.predictor.predict

    def pid(self) -> int | None:
        """Return the process that answers just now."""
        return self.isolated.pid()

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return its scores."""
        return self.predictor.score(matrix)


MakeIsolated = Callable[..., Standing]


def rows(first: float = 0.0, count: int = 3) -> np.ndarray:
    """Return a matrix whose first feature is given."""
    matrix = np.random.default_rng(1).normal(size=(count, len(load_definition(MODEL).vector))).astype(np.float32)
    matrix[:, 0] = first
    return matrix


@pytest.fixture
def files(versions_root: Path) -> VersionFiles:
    """Return a version's files."""
    return Versions(versions_root, None).open(MODEL, "1")


@pytest.fixture
def make(files: VersionFiles) -> Iterator[MakeIsolated]:
    """Return a maker of isolated versions, unruly ones."""
    made: list[Standing] = []

    def make_one(*words: str, **changes: float) -> Standing:
        one = Standing(isolate("1", files, NEEDS.model_copy(update=changes), (*UNRULY, *words)))
        made.append(one)
        return one

    yield make_one
    for one in made:
        one.isolated._keeping.end()
        one.isolated._keeping._thread.join(10)


def test_scores_are_the_same_bit_for_bit(make: MakeIsolated, files: VersionFiles) -> None:
    """For one row, for many, for none, and for more than the pipe holds at once."""
    here, there = load_predictor(files), make()
    for count in (1, 3, 64, 0, 5000):
        assert np.array_equal(there.score(rows(count=count)), here.score(rows(count=count)))


@pytest.mark.parametrize(
    ("way", "changes", "reason"),
    [
        (CRASH, {}, "its process died of SIGSEGV, while it worked on 3 rows"),
        (HANG, {"deadline_ms": 300}, "its process hung: no answer within 300 ms, which is its deadline_ms, while it"),
        (GORGE, {}, "MB of memory; memory_mb allows 600, of which not all can be used, while it worked on 3 rows"),
    ],
)
def test_lost_process_fails_its_call_and_is_replaced(
    make: MakeIsolated, way: float, changes: dict[str, float], reason: str
) -> None:
    """The caller hears why within the deadline; while there is none, at once; and then another process answers."""
    isolated = make(**changes)
    first = isolated.pid()
    began = time.monotonic()
    with pytest.raises(ProcessLost, match=reason):
        isolated.score(rows(way))
    assert time.monotonic() - began < 4
    assert isolated.isolated.losses() == 1
    with pytest.raises(ProcessLost, match="and is being started again"):
        isolated.score(rows())
    until(lambda: isolated.pid() is not None, 60)
    assert isolated.pid() != first
    assert len(isolated.score(rows())) == 3
    assert not psutil.pid_exists(first or 0)


def test_what_the_version_raises_is_told_and_its_process_goes_on(make: MakeIsolated) -> None:
    """As it would be in the gateway's own process."""
    isolated = make()
    before = isolated.pid()
    with pytest.raises(VersionRaised, match="RuntimeError: no tree for this carrier"):
        isolated.score(rows(FAIL))
    unscorable = rows()
    unscorable[1, 2] = np.nan
    with pytest.raises(InvalidInput, match="in row 1 is nan"):
        isolated.score(unscorable)
    assert len(isolated.score(rows(CHATTER))) == 3
    assert isolated.pid() == before


def test_process_that_is_killed_between_calls_is_replaced(make: MakeIsolated) -> None:
    """Nobody needs to run into it first."""
    isolated = make()
    first = isolated.pid()
    assert first is not None
    psutil.Process(first).kill()
    until(lambda: isolated.pid() not in (None, first), 60)
    assert len(isolated.score(rows())) == 3


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crash-loading", "the process of version 1 of flight_delay died of SIGSEGV before it was ready"),
        ("gorge-loading", "version 1 of flight_delay was given no more memory by the system"),
    ],
)
def test_version_that_cannot_be_loaded_does_not_stand(make: MakeIsolated, word: str, reason: str) -> None:
    """It is the version's fault, and said as such."""
    with pytest.raises(ArtifactInvalid, match=reason):
        make(word)


def test_device_that_is_not_there_is_held_against_nobody(files: VersionFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which key to change."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    needs = NEEDS.model_copy(update={"device": "cuda", "gpus": 1})
    with pytest.raises(Unavailable, match=r"is to compute on cuda, .* set device of its arm to cpu"):
        isolate("1", files, needs)


def test_process_ends_when_nobody_refers_to_it_any_more(files: VersionFiles) -> None:
    """A version that leaves the plan takes its process with it, once what it was asked is answered."""
    isolated = Standing(isolate("1", files, NEEDS))
    pid = isolated.pid()
    assert pid is not None
    del isolated
    gc.collect()
    until(lambda: not psutil.pid_exists(pid), 20)
