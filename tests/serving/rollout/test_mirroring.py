"""Shadows follow plans, and nothing about them reaches an answer."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pyarrow as pa

from feature_repo.definition import ModelDefinition
from lifecycle.contract import Contract
from lifecycle.errors import ArtifactInvalid, Unavailable
from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from serving.models import ServedModel
from serving.rollout.loading import Loading
from serving.rollout.mirroring import Mirroring
from stores.versions import VersionFiles
from tests.serving.rollout.trials import Kept

AT = datetime(2013, 4, 1, tzinfo=UTC)
PLAN = TrafficPlan("m", 3, "1", None, shadow=ShadowArm("2", 3, AT))
NOTHING = cast("Any", None)
BATCH = pa.RecordBatch.from_pydict({"unit": ["u"]})


@dataclass
class Memory:
    """Shadows that are no processes."""

    followed: list[int] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)
    error: Exception | None = None

    def follow(
        self,
        plan: TrafficPlan,
        files: VersionFiles,
        policy: Policy,
        definition: ModelDefinition,
        asked: Contract | None = None,
    ) -> Kept:
        """Start one."""
        del files, policy, definition, asked
        if self.error is not None:
            raise self.error
        self.followed.append(plan.revision)
        return self.kept

    def end(self, model: str) -> None:
        """End one."""
        self.ended.append(model)

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return figures."""
        return {"version": "2", "trouble": ""} if model == "m" else None

    def stop(self) -> None:
        """End all."""


def served(plan: TrafficPlan) -> ServedModel:
    """Return what serves by a plan."""
    return ServedModel(plan, "1", NOTHING, NOTHING, {})


def mirroring(shadows: Memory) -> Mirroring:
    """Return a mirroring whose versions need no files."""
    return Mirroring(shadows, lambda *_: NOTHING, Loading(10.0))


def test_shadow_of_the_plan_is_shown_what_is_served() -> None:
    """Once it stands; before, and without one, the slot takes batches and shows them to nobody."""
    shadows = Memory()
    following, now = mirroring(shadows), served(PLAN)
    now.mirror.offer(BATCH)
    assert following.report("m") is None
    for _ in range(3):
        following.follow(now)
    now.mirror.offer(BATCH)
    assert (shadows.followed, shadows.kept.batches) == ([3], [BATCH])
    assert following.report("m") == {"version": "2", "trouble": ""}


def test_new_lanes_are_mirrored_too() -> None:
    """A plan that changes elsewhere keeps its shadow, by a slot of its own."""
    shadows = Memory()
    following = mirroring(shadows)
    following.follow(served(PLAN))
    later = served(replace(PLAN, revision=4))
    following.follow(later)
    later.mirror.offer(BATCH)
    assert (shadows.followed, len(shadows.kept.batches), shadows.ended) == ([3, 4], 1, [])


def test_shadow_ends_with_its_place_in_the_plan() -> None:
    """Once."""
    shadows = Memory()
    following = mirroring(shadows)
    following.follow(served(PLAN))
    for _ in range(2):
        following.follow(served(PLAN.end_shadow()))
    assert shadows.ended == ["m"]
    assert following.report("m") is None


def test_shadow_that_cannot_stand_is_reported_and_tried_again() -> None:
    """Its files may be out of reach for a while, or no process to be had."""
    shadows = Memory(error=OSError("no process"))
    following, now = mirroring(shadows), served(PLAN)
    following.follow(now)
    assert following.trouble("m") == "no process"
    shadows.error = None
    following.follow(now)
    assert (following.trouble("m"), shadows.followed) == (None, [3])
    away = True

    def open_version(*_: str) -> VersionFiles:
        if away:
            raise Unavailable("no registry")
        return cast("VersionFiles", None)

    following = Mirroring(Memory(), open_version, Loading(10.0))
    following.follow(now)
    assert (following.trouble("m"), following.at_fault("m")) == ("no registry", False)
    following.follow(served(PLAN.end_shadow()))
    assert following.trouble("m") is None


def test_next_shadow_is_not_blamed_for_the_one_before() -> None:
    """A plan goes from one shadow to the next within one look, and the next one's files take their time."""
    gate = threading.Event()

    def open_version(_: str, version: str) -> VersionFiles:
        if version == "2":
            raise ArtifactInvalid("its files changed")
        gate.wait(10)
        return cast("VersionFiles", None)

    following = Mirroring(Memory(), open_version, Loading(1.0))
    following.follow(served(PLAN))
    assert (following.trouble("m"), following.at_fault("m")) == ("its files changed", True)
    following.loading = Loading(0.01)
    following.follow(served(replace(PLAN, revision=5, shadow=ShadowArm("3", 5, AT))))
    assert (following.trouble("m"), following.at_fault("m")) == (None, False)
    gate.set()


def test_registry_that_hangs_is_no_fault_of_the_shadow() -> None:
    """However long its files take to come."""
    gate = threading.Event()

    def open_version(*_: str) -> VersionFiles:
        gate.wait(10)
        return cast("VersionFiles", None)

    following = Mirroring(Memory(), open_version, Loading(0.01, limit_seconds=0.0))
    for _ in range(2):
        following.follow(served(PLAN))
    assert "has not stood up within" in str(following.trouble("m"))
    assert not following.at_fault("m")
    gate.set()
