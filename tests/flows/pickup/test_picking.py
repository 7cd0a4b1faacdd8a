"""Picking up against a real MLflow database and a real ledger."""

import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.pickup import picking
from flows.pickup.checkup import check_version
from flows.pickup.picking import Desk, pick_up
from lifecycle.admission import Checkup, decide_admission
from lifecycle.errors import ArtifactInvalid, Unavailable
from lifecycle.manifest import Manifest
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from stores.clock import SystemClock
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.predictor import load_predictor, prove
from stores.registry import Registry, VersionRecord
from stores.versions import Versions, file_digest
from tests.flows import toy
from tests.flows.pickup.made import COLUMNS, alter, frame, pipeline, rename_column

NOW = datetime(2020, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Return the toy's policy."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    return load_policy(folder, "toy")


@pytest.fixture
def desk(tmp_path: Path, policy: Policy) -> Desk:
    """Return a desk on an empty registry and an empty ledger."""
    return Desk(
        definition=toy.DEFINITION,
        policy=policy,
        registry=Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", artifacts=tmp_path / "artifacts"),
        engine=open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"),
        clock=SystemClock(),
    )


def register(desk: Desk, folder: Path, **tags: str) -> str:
    """Register a folder as a version of the toy."""
    return desk.registry.register(VersionRecord(model="toy", folder=folder, tags=tags))


def pinned(desk: Desk) -> Callable[[str, str], Manifest | None]:
    """Return how serving asks for what was pinned."""
    return lambda model, version: Standings(desk.engine).get(model, version).manifest


def test_good_version_is_admitted_and_pinned(desk: Desk, version: Path, tmp_path: Path) -> None:
    """From the registry to a predictor that proves itself, with what was found on record."""
    name = register(desk, version)
    pick_up("toy", desk)
    standing = Standings(desk.engine).get("toy", name)
    assert (standing.stage, standing.manifest is None) == (Stage.REGISTERED, False)
    (decision,) = Decisions(desk.engine).of("toy")
    assert (decision.action, decision.verdict, decision.actor) == ("admit", Verdict.PASS, "flow:pick-up")
    assert f"Version {name} (sklearn-skops, 2 inputs" in decision.reason
    assert {finding.rule_id for finding in decision.findings} >= {"contract", "self-test", "latency-1-row"}
    assert desk.registry.tags("toy", name)["stage"] == "registered"

    files = Versions(tmp_path / "copies", desk.registry, pinned(desk)).open("toy", name)
    predictor = load_predictor(files)
    prove(files, predictor)
    matrix = np.random.default_rng(5).normal(size=(20, 3)).astype(np.float32)
    taken = matrix[:, [toy.DEFINITION.vector.index(column) for column in COLUMNS]]
    expected = pipeline(frame()).predict_proba(pd.DataFrame(taken, columns=list(COLUMNS)))[:, 1]
    assert np.allclose(predictor.score(matrix), expected, rtol=1e-6)


def test_version_is_judged_once(desk: Desk, version: Path) -> None:
    """However often one looks, there is one decision, and it can be made again from its evidence."""
    name = register(desk, version)
    for _ in range(3):
        pick_up("toy", desk)
    (decision,) = Decisions(desk.engine).of("toy")
    again = decide_admission(name, Checkup.model_validate(decision.evidence["checkup"]), desk.policy.pick_up)
    assert (again.verdict, again.reason) == (decision.verdict, decision.reason)


def test_bad_version_is_refused_where_its_author_looks(desk: Desk, version: Path) -> None:
    """The stage, the reason and the description in MLflow say what to change."""
    alter(version, lambda document: rename_column(document, "asked_load", "asked_lode"))
    name = register(desk, version)
    pick_up("toy", desk)
    standing = Standings(desk.engine).get("toy", name)
    assert (standing.stage, standing.manifest) == (Stage.REJECTED, None)
    tags = desk.registry.tags("toy", name)
    assert tags["stage"] == "rejected"
    assert "did you mean asked_load?" in tags["stage_reason"]
    page = desk.registry._link.client.get_model_version("toy", name).description
    assert page.startswith("**Refused by Holdfast.** Its signature names columns")


def register_source(desk: Desk, source: str) -> str:
    """Register an address as a version of the toy, as MLflow lets anybody do."""
    client = desk.registry._link.client
    client.create_registered_model("toy")
    return str(client.create_model_version("toy", source).version)


def test_version_stored_where_nobody_answers_is_put_off_and_does_not_hold_up_the_next(
    desk: Desk, version: Path
) -> None:
    """Nothing is decided about it, and its author reads why."""
    away = register_source(desk, "http://127.0.0.1:9/api/2.0/mlflow-artifacts/artifacts/1/model")
    name = register(desk, version)
    for _ in range(2):
        pick_up("toy", desk)
    assert list(Standings(desk.engine).of("toy")) == [name]
    assert Decisions(desk.engine).actions("toy", away) == ()
    tags = desk.registry.tags("toy", away)
    assert tags["stage_reason"].startswith("not judged yet, and tried again every half minute: Unavailable: measuring")
    assert "stage" not in tags


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("s3://nope/x", "No module named 'boto"),
        ("weird://nope/x", "it knows no weird: addresses"),
        ("http://127.0.0.1:9/nothing", "that is no address of an MLflow server's artifacts"),
    ],
)
def test_version_stored_where_this_installation_can_never_read_is_refused(desk: Desk, source: str, why: str) -> None:
    """Asking again will not help: it needs a library, or MLflow has no such address; the author is told what to do."""
    name = register_source(desk, source)
    pick_up("toy", desk)
    standing = Standings(desk.engine).get("toy", name)
    assert standing.stage is Stage.REJECTED
    assert f"lie at {source}, where this installation cannot read: {why}" in standing.reason
    assert "Register the files in this MLflow" in standing.reason
    (decision,) = Decisions(desk.engine).of("toy")
    size = next(finding for finding in decision.findings if finding.rule_id == "artifact-size")
    assert (size.verdict, size.value) == (Verdict.INCONCLUSIVE, None)
    assert desk.registry.tags("toy", name)["stage"] == "rejected"


def test_version_that_waits_for_its_gate_is_left_alone(desk: Desk, version: Path) -> None:
    """Our own training judges its versions by data first."""
    register(desk, version, gate="pending")
    pick_up("toy", desk)
    assert Standings(desk.engine).of("toy") == {}


def test_version_that_serves_is_left_alone(desk: Desk, version: Path) -> None:
    """A champion from before anybody kept standings is no newcomer."""
    name = register(desk, version)
    plans = Plans(desk.engine)
    plans.write(plans.current("toy").promote(name, NOW), NOW)
    pick_up("toy", desk)
    assert Decisions(desk.engine).of("toy") == ()


def test_huge_version_is_refused_unfetched(desk: Desk, version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size alone decides, before a byte of it is downloaded."""
    with (version / "weights").open("wb") as big:
        big.truncate(51 << 20)
    name = register(desk, version)
    monkeypatch.setattr(Registry, "fetch", lambda *_: pytest.fail("it was fetched"))
    pick_up("toy", desk)
    assert "It takes 51 MB of files; the policy's limit is 50" in Standings(desk.engine).get("toy", name).reason


def test_slow_version_is_refused_with_its_number(desk: Desk, version: Path) -> None:
    """The policy's limit and what was measured are both told."""
    limits = desk.policy.pick_up.model_copy(update={"max_latency_ms_64_rows": 0.001})
    strict = replace(desk, policy=desk.policy.model_copy(update={"pick_up": limits}))
    name = register(desk, version)
    pick_up("toy", strict)
    reason = Standings(desk.engine).get("toy", name).reason
    assert "ms for 64 rows; the policy's limit is 0.001" in reason


def test_registry_that_is_away_is_no_error(desk: Desk) -> None:
    """The next look finds what this one could not."""

    class Away(Registry):
        def listed(self, model: str) -> tuple[()]:
            raise Unavailable(f"no registry for {model}")

    pick_up("toy", replace(desk, registry=Away("http://nowhere.invalid")))
    assert Decisions(desk.engine).of("toy") == ()


@pytest.mark.parametrize(("column", "action"), [("level", "admit"), ("other", "reject")])
def test_interrupted_pick_up_is_made_up_for(
    desk: Desk, version: Path, monkeypatch: pytest.MonkeyPatch, column: str, action: str
) -> None:
    """Killed before the decision is stored, the next look decides."""
    alter(version, lambda document: rename_column(document, "level", column))
    name = register(desk, version)
    with monkeypatch.context() as broken:
        broken.setattr(picking, "_record", lambda *_: None)
        pick_up("toy", desk)
    assert Decisions(desk.engine).actions("toy", name) == ()
    assert all(standing.manifest is None for standing in Standings(desk.engine).of("toy").values())
    pick_up("toy", desk)
    assert Decisions(desk.engine).actions("toy", name) == (action,)


def test_version_that_was_pinned_with_other_files_is_refused(desk: Desk, version: Path) -> None:
    """What was pinned first stands; other files under the same name are another version."""
    name = register(desk, version)
    checked = check_version(name, definition=desk.definition, policy=desk.policy, registry=desk.registry)
    assert checked.manifest is not None
    first = checked.manifest.model_copy(update={"files": {"model.skops": "0" * 64}})
    Standings(desk.engine).meet("toy", name, first, NOW)
    pick_up("toy", desk)
    standing = Standings(desk.engine).get("toy", name)
    assert standing.stage is Stage.REJECTED
    assert "changed while it was being picked up" in standing.reason


def test_artifact_that_changes_after_pick_up_is_not_served(desk: Desk, version: Path, tmp_path: Path) -> None:
    """A replica that fetches it later refuses it, and says that it changed."""
    name = register(desk, version)
    pick_up("toy", desk)
    (stored,) = (tmp_path / "artifacts").rglob("model.skops")
    stored.write_bytes(stored.read_bytes() + b"x")
    with pytest.raises(ArtifactInvalid, match="it was picked up with"):
        Versions(tmp_path / "copies", desk.registry, pinned(desk)).open("toy", name)


def test_pickle_with_a_manifest_of_its_own_is_never_opened_by_serving(
    desk: Desk, version: Path, tmp_path: Path
) -> None:
    """Only what pick-up pinned may be of a format that can run code."""
    name = register(desk, version)
    pick_up("toy", desk)
    manifest = Standings(desk.engine).get("toy", name).manifest
    assert manifest is not None
    forged = tmp_path / "forged"
    shutil.copytree(version, forged)
    (forged / "model.skops").write_bytes(pickle.dumps(0))
    said = manifest.model_copy(
        update={"format": "sklearn-pickle", "files": {"model.skops": file_digest(forged / "model.skops")}}
    )
    (forged / "manifest.json").write_text(said.model_dump_json(), encoding="utf-8")
    other = register(desk, forged)
    with pytest.raises(ArtifactInvalid, match="was never picked up"):
        Versions(tmp_path / "copies", desk.registry).open("toy", other)


def _pick_up_once(address: str, root: Path, policy: Policy) -> None:
    pick_up(
        "toy",
        Desk(
            toy.DEFINITION,
            policy,
            Registry(f"sqlite:///{root / 'mlflow.db'}", artifacts=root / "artifacts"),
            open_ledger(address),
            SystemClock(),
        ),
    )


def test_two_supervisors_judge_a_version_once(desk: Desk, version: Path, tmp_path: Path, policy: Policy) -> None:
    """Real processes at the same moment leave one decision."""
    register(desk, version)
    spawn = multiprocessing.get_context("spawn")
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    both = [spawn.Process(target=_pick_up_once, args=(address, tmp_path, policy)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(120)
    assert [one.exitcode for one in both] == [0, 0]
    assert len(Decisions(desk.engine).of("toy")) == 1
