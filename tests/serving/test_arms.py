"""Which versions may stand, and how their health is known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from feature_repo.definition import load_definition
from lifecycle.contract import Contract
from lifecycle.errors import ArtifactInvalid
from lifecycle.manifest import Manifest
from lifecycle.plan import TrafficPlan
from serving.arms import Proof, load_arm
from serving.health import Health
from stores.versions import VersionFiles, read_version
from tests.serving.conftest import MODEL, Bench, write_version


@pytest.fixture
def files(versions_root: Path) -> VersionFiles:
    """Return the files of version 1."""
    return read_version(versions_root / MODEL / "1", MODEL)


def changed(files: VersionFiles, **changes: object) -> VersionFiles:
    """Return files whose manifest says something else."""
    manifest: Manifest = files.manifest.model_copy(update=changes)
    return replace(files, manifest=manifest)


def test_version_that_reproduces_its_example_stands(files: VersionFiles) -> None:
    """Its example rows are kept for warming up."""
    arm = load_arm("1", files, load_definition(MODEL))
    arm.prove()
    assert len(arm.example) == 2


def test_small_model_stands_with_its_version_and_is_proven_with_it(tmp_path: Path) -> None:
    """A version whose small model is another one than was judged does not stand, nor stay healthy."""
    files = write_version(tmp_path, "1", small=True)
    arm = load_arm("1", files, load_definition(MODEL))
    assert arm.small is not None
    arm.prove()
    assert files.manifest.small is not None
    other = changed(files, small=files.manifest.small.model_copy(update={"scores": (0.1, 0.2)}))
    with pytest.raises(ArtifactInvalid, match="example"):
        load_arm("1", other, load_definition(MODEL))
    with pytest.raises(ArtifactInvalid, match="example"):
        replace(arm, files=other).prove()


def test_version_without_a_small_model_stands(files: VersionFiles) -> None:
    """As every version that somebody else registered."""
    assert load_arm("1", files, load_definition(MODEL)).small is None


def test_version_that_does_not_reproduce_its_example_is_refused(files: VersionFiles) -> None:
    """Not ready until the model has answered its own example right."""
    example = files.manifest.example.model_copy(update={"scores": (0.1, 0.2)})
    with pytest.raises(ArtifactInvalid, match="example"):
        load_arm("1", changed(files, example=example), load_definition(MODEL))


def test_version_trained_on_other_features_is_refused(files: VersionFiles) -> None:
    """The same number of features in another order would score nonsense."""
    vector = files.manifest.vector
    with pytest.raises(ArtifactInvalid, match="their order"):
        load_arm("1", changed(files, vector=vector[::-1]), load_definition(MODEL))


def test_version_with_other_fields_is_refused(files: VersionFiles) -> None:
    """The feature code reads the fields of its own contract."""
    contract = files.manifest.contract
    fewer = Contract(model=contract.model, version=1, fields=contract.fields[1:])
    with pytest.raises(ArtifactInvalid, match="differing: carrier"):
        load_arm("1", changed(files, contract=fewer), load_definition(MODEL))


def test_version_whose_contract_refuses_its_example_is_refused(files: VersionFiles) -> None:
    """A contract that the training did not hold to is none."""
    row = files.manifest.example.request[0] | {"origin": "SFO"}
    example = files.manifest.example.model_copy(update={"request": (row, row)})
    with pytest.raises(ArtifactInvalid, match="own example: origin in row 0"):
        load_arm("1", changed(files, example=example), load_definition(MODEL))


def test_health_runs_the_model_at_most_once_per_span(files: VersionFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked."""
    arm = load_arm("1", files, load_definition(MODEL))
    runs: list[int] = []
    monkeypatch.setattr("serving.arms.prove", lambda *_: runs.append(1))
    times = iter([0.0, 0.5, 0.9, 1.0, 1.2])
    proof = Proof(arm, 1.0, lambda: next(times))
    for _ in range(5):
        assert proof.failure() is None
    assert len(runs) == 2


def test_version_that_stops_working_makes_the_gateway_unready(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready means that it just worked, not that it once did."""
    bench = make_bench()
    bench.models.put(bench.stand_up(TrafficPlan(MODEL, 1, "1", None)))
    assert Health(bench.models).broken() == []

    def fail(*_: object) -> None:
        raise ArtifactInvalid("row 0 of its own example scores 0.5")

    monkeypatch.setattr("serving.arms.prove", fail)
    served = bench.models.find(MODEL)
    assert served is not None
    proof = served.lanes["1"].proof
    assert isinstance(proof, Proof)
    proof._at = float("-inf")
    assert Health(bench.models).broken() == ["row 0 of its own example scores 0.5"]
    assert bench.ask("GET", "/v2/health/ready").json()["detail"] == "row 0 of its own example scores 0.5"
    assert bench.ask("GET", f"/v2/models/{MODEL}/ready").status_code == 503


def test_previous_version_that_cannot_stand_does_not_hold_up_the_champion(bench: Bench) -> None:
    """A promotion must not wait for the way back; the report says which versions stand."""
    served = bench.stand_up(TrafficPlan(MODEL, 3, champion="2", previous="7"))
    assert list(served.lanes) == ["2"]
    assert list(served.left_out) == ["7"]


def test_full_disk_while_fetching_the_previous_version_does_not_hold_up_the_champion(bench: Bench) -> None:
    """The disk is one more thing that a promotion must not wait for."""

    def refuse(*_: str) -> VersionFiles:
        raise OSError("no space left on device")

    bench.stand_up.open_version = refuse
    served = bench.stand_up(TrafficPlan(MODEL, 3, champion="2", previous="7"))
    assert served.left_out == {"7": "no space left on device"}
