"""What people see in MLflow follows the ledger."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.pickup.mirror import mirror_standings, tell_refused
from lifecycle.plan import TrafficPlan, empty_plan
from lifecycle.stages import Stage
from stores.ledger.standings import Standing
from stores.registry import Registry, VersionRecord
from stores.versions import read_version
from tests.stores.artifacts import write_version

NOW = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with three versions."""
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", artifacts=tmp_path / "artifacts")
    write_version(tmp_path / "version")
    for _ in range(3):
        registry.register(VersionRecord(model="toy", folder=tmp_path / "version"))
    return registry


def standing(version: str, stage: Stage, reason: str) -> dict[str, Standing]:
    """Return where one version stands."""
    return {version: Standing("toy", version, stage, reason, None, NOW)}


def test_tags_and_aliases_follow_the_plan(registry: Registry) -> None:
    """An alias moves with its arm and goes with it; tags say stage and reason."""
    plan: TrafficPlan = empty_plan("toy").promote("1", NOW).start_shadow("2", NOW)
    known = standing("1", Stage.CHAMPION, "first") | standing("2", Stage.SHADOW, "admitted")
    for _ in range(2):
        mirror_standings(registry, plan, known)
    assert registry.aliases("toy") == {"champion": "1", "shadow": "2"}
    assert registry.tags("toy", "2") == {"stage": "shadow", "stage_reason": "admitted"}
    mirror_standings(registry, plan.start_canary(0.1, NOW), known | standing("2", Stage.CANARY, "proven"))
    assert registry.aliases("toy") == {"champion": "1", "canary": "2"}
    assert registry.tags("toy", "2") == {"stage": "canary", "stage_reason": "proven"}
    assert registry.tags("toy", "3") == {}


def test_version_that_waits_reads_its_place_in_the_line(registry: Registry, tmp_path: Path) -> None:
    """Its author sees that it passed, and who is before it; a version that is not checked yet reads nothing."""
    checked = read_version(tmp_path / "version", "toy").manifest
    known = {
        version: Standing("toy", version, Stage.REGISTERED, "", manifest, NOW)
        for version, manifest in (("1", checked), ("2", checked), ("3", None))
    }
    plan = empty_plan("toy").promote("9", NOW)
    mirror_standings(registry, plan, known)
    assert registry.tags("toy", "1") == {
        "stage": "registered",
        "stage_reason": "passed every check; 1st in line for shadow",
    }
    assert registry.tags("toy", "2")["stage_reason"] == "passed every check; 2nd in line for shadow"
    assert registry.tags("toy", "3") == {"stage": "registered"}
    entered = known | standing("1", Stage.SHADOW, "it enters shadow")
    mirror_standings(registry, plan.start_shadow("1", NOW), entered)
    assert registry.tags("toy", "1")["stage_reason"] == "it enters shadow"
    told = "passed every check; 1st in line for shadow, where version 1 is now"
    assert registry.tags("toy", "2")["stage_reason"] == told


def test_version_that_somebody_deleted_is_passed_over(registry: Registry) -> None:
    """The others are mirrored all the same."""
    plan = empty_plan("toy").promote("1", NOW).start_shadow("2", NOW)
    registry._link.client.delete_model_version("toy", "1")
    mirror_standings(registry, plan, standing("1", Stage.CHAMPION, "x") | standing("2", Stage.SHADOW, "y"))
    assert registry.aliases("toy") == {"shadow": "2"}


def test_registry_that_is_away_is_left_behind(tmp_path: Path) -> None:
    """The ledger holds the truth; nothing is raised."""
    gone = Registry(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'mlflow.db'}")
    mirror_standings(gone, empty_plan("toy"), {})
    tell_refused(gone, "toy", "1", "why")


def test_reason_is_added_below_what_its_author_wrote(registry: Registry) -> None:
    """And only once."""
    registry._link.client.update_model_version("toy", "1", "My best model.")
    for _ in range(2):
        tell_refused(registry, "toy", "1", "Too slow.")
    said = registry._link.client.get_model_version("toy", "1").description
    assert said == "My best model.\n\n**Refused by Holdfast.** Too slow."
