"""The training flow on real parts: Feast, Great Expectations, XGBoost, MLflow and the ledger."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, delete, update

from expectations.kinds import Column
from feature_repo.feast_store import open_feature_store
from flows.materialize import build_window
from flows.train import TrainingSummary, train, train_model
from flows.training import package
from lifecycle.contract import FieldType
from lifecycle.errors import ArtifactInvalid, Conflict, DataRejected, EvidenceMissing, NotFound, PolicyInvalid
from lifecycle.evaluation import Evaluation
from lifecycle.gate import decide_gate
from lifecycle.policy import Policy
from lifecycle.profile import Profile
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from stores.events import EventStore
from stores.ledger.decisions import Decisions
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.schema import watermarks
from stores.ledger.standings import Standings
from stores.predictor import load_predictor, prove
from stores.registry import Registry
from stores.settings import Settings, settings
from stores.small import judged_rows, load_small
from stores.versions import VersionFiles, Versions
from tests.flows import toy

pytestmark = [
    # Three libraries warn when they are imported: Google's for Great Expectations, that one itself, and MLflow.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


@dataclass(frozen=True)
class Workshop:
    """One test's ledger and policies over the events, features and registry that all tests share."""

    config: Settings
    engine: Engine

    def policy(self, *changes: tuple[str, str]) -> None:
        """Write the toy's policy with some lines changed."""
        text = toy.POLICY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.config.policies / "toy.yaml").write_text(text, encoding="utf-8")

    def train(self, days: int = 20) -> TrainingSummary:
        """Train the toy up to some day."""
        return train_model("toy", self.config, self.engine, end=toy.START + timedelta(days=days))

    def come_to(self, flow: str, at: datetime) -> None:
        """Set a flow's watermark, which else stands at the end of the events."""
        with self.engine.begin() as connection:
            connection.execute(update(watermarks).where(watermarks.c.name == f"{flow}:toy").values(at=at))

    def registry(self) -> Registry:
        """Return the registry."""
        return Registry(self.config.mlflow_address)

    def files(self, version: str) -> VersionFiles:
        """Return a version's files as a replica fetches them."""
        return Versions(self.config.versions, self.registry()).open("toy", version)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state folder with twenty days of events and their features."""
    home = tmp_path_factory.mktemp("home")
    events = EventStore(home / "events")
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    stored = {stream.name: events.load("toy", stream.name) for stream in toy.DEFINITION.streams}
    store = open_feature_store(toy.DEFINITION, home / "features")
    build_window(toy.DEFINITION, store, stored, start=toy.START - timedelta(days=1), end=toy.END)
    return home


@pytest.fixture
def workshop(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Return a workshop whose ledger is empty and whose clock stands at the end of the events."""
    toy.install(monkeypatch)
    monkeypatch.setenv("HOLDFAST_HOME", str(shared))
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("HOLDFAST_MLFLOW_URI", f"sqlite:///{shared / 'mlflow.db'}")
    settings.cache_clear()
    engine = open_ledger(settings().ledger_address)
    progress = Progress(engine)
    progress.set_replay(toy.END)
    for flow in ("ingest", "materialize"):
        progress.advance(f"{flow}:toy", toy.END)
    made = Workshop(settings(), engine)
    made.policy()
    yield made
    engine.dispose()
    settings.cache_clear()


def test_first_version_becomes_champion_by_the_gate(workshop: Workshop) -> None:
    """With no champion to beat, a version that passes every other rule serves."""
    summary = workshop.train()
    assert (summary.verdict, summary.reason) == (Verdict.PASS, "passes all 6 rules of the offline gate")
    plan = Plans(workshop.engine).current("toy")
    assert (plan.revision, plan.champion, plan.previous) == (1, summary.version, None)
    assert workshop.registry().aliased("toy", "champion") == summary.version
    assert workshop.registry().tags("toy", summary.version)["stage"] == "champion"


def test_decision_is_stored_and_can_be_made_again(workshop: Workshop) -> None:
    """The ledger holds who, what, from which numbers; the evidence leads to the same verdict."""
    summary = workshop.train()
    (decision,) = Decisions(workshop.engine).of("toy")
    assert (decision.version, decision.action, decision.actor) == (summary.version, "promote", "flow:train")
    assert (decision.plan_revision, decision.decided_at) == (0, toy.END)
    evaluation = Evaluation.model_validate(decision.evidence["evaluation"])
    policy = Policy.model_validate(decision.evidence["policy"])
    again = decide_gate(evaluation, policy)
    assert (again.findings, again.verdict, again.reason) == (decision.findings, decision.verdict, decision.reason)
    assert decision.policy_revision == policy.revision()


def test_same_window_gives_the_same_model_which_is_no_better(workshop: Workshop) -> None:
    """Two trainings on the same data give the same bytes, and an equal does not replace the champion."""
    first, second = workshop.train(), workshop.train()
    assert second.artifact_digest == first.artifact_digest
    assert second.version != first.version
    assert second.verdict is Verdict.FAIL
    assert "beats-the-champion: log_loss is" in second.reason
    assert Plans(workshop.engine).current("toy").champion == first.version
    tags = workshop.registry().tags("toy", second.version)
    assert (tags["stage"], tags["stage_reason"], tags["gate"]) == ("rejected", second.reason, "failed")
    assert Standings(workshop.engine).get("toy", second.version).stage is Stage.REJECTED


def test_version_that_fails_is_registered_and_not_served(workshop: Workshop) -> None:
    """It stays for people to look at, with the numbers that kept it back."""
    workshop.policy(("at_least: 0.8}", "at_least: 0.999}"))
    summary = workshop.train()
    assert summary.verdict is Verdict.FAIL
    assert summary.reason.startswith("ranks: auc is 0.")
    assert summary.reason.endswith("at least 0.999 required")
    assert Plans(workshop.engine).current("toy").revision == 0
    assert workshop.registry().tags("toy", summary.version)["stage"] == "rejected"
    assert workshop.files(summary.version).manifest.artifact_digest == summary.artifact_digest


def test_better_version_waits_beside_the_champion_for_its_shadow(workshop: Workshop) -> None:
    """Rows of the past let it in; the champion's place it earns on live traffic."""
    workshop.policy(("rounds: 40", "rounds: 4"), ("by_at_least: 0.05", "by_at_least: 0.0"))
    weak = workshop.train()
    workshop.policy()
    strong = workshop.train()
    assert (weak.verdict, strong.verdict) == (Verdict.PASS, Verdict.PASS)
    plan = Plans(workshop.engine).current("toy")
    assert (plan.revision, plan.champion, plan.previous) == (1, weak.version, None)
    standing = Standings(workshop.engine).get("toy", strong.version)
    assert (standing.stage, standing.manifest) == (Stage.REGISTERED, workshop.files(strong.version).manifest)
    tags = workshop.registry().tags("toy", strong.version)
    assert (tags["stage"], tags["gate"]) == ("registered", "passed")
    assert set(strong.metrics) == {"candidate", "logistic_regression", "rule", "champion"}


def test_thin_evidence_is_registered_and_not_served(workshop: Workshop) -> None:
    """Too few judged rows hold the version back, however good its figures."""
    workshop.policy(("minimum_validation_rows: 200", "minimum_validation_rows: 20000"))
    summary = workshop.train()
    assert summary.verdict is Verdict.INCONCLUSIVE
    assert "validation rows; at least 20000 needed" in summary.reason
    assert Plans(workshop.engine).current("toy").revision == 0


def test_version_carries_everything_it_came_from(workshop: Workshop) -> None:
    """From the tags a person finds code, data, window, contract, features and environment."""
    summary = workshop.train()
    tags = workshop.registry().tags("toy", summary.version)
    assert tags["artifact_sha256"] == summary.artifact_digest
    assert tags["contract"] == tags["feature_service"] == "toy_v1"
    assert tags["contract_sha256"] == toy.CONTRACT.digest()
    assert tags["window_start_at"] == "2020-01-01T00:00:00+00:00"
    assert tags["window_end_at"] == "2020-01-21T00:00:00+00:00"
    assert tags["labels_matured_at"] == "2020-01-20T12:00:00+00:00"
    assert json.loads(tags["libraries"])["xgboost"]
    assert all(len(tags[name]) == 64 for name in ("code_sha256", "data_sha256", "lock_sha256"))
    assert {"code_revision", "policy_revision", "python", "learned_rows", "judged_rows"} <= set(tags)


def test_another_window_has_another_data_digest(workshop: Workshop) -> None:
    """The digest over ids, features and labels tells two training sets apart."""
    first, second = workshop.train(), workshop.train(days=19)
    digests = {workshop.registry().tags("toy", each.version)["data_sha256"] for each in (first, second)}
    assert len(digests) == 2
    assert first.artifact_digest != second.artifact_digest


def test_registered_version_loads_and_proves_itself(workshop: Workshop) -> None:
    """Its folder holds model, baseline and metrics; its example is made of real requests."""
    summary = workshop.train()
    files = workshop.files(summary.version)
    prove(files, load_predictor(files))
    example = files.manifest.example
    assert len(example.request) == 16
    assert {type(value) for value in example.request[0].values()} == {str, float}
    assert str(example.request[0]["asked_at"]).endswith("Z")
    profile = Profile.model_validate_json((files.folder / package.PROFILE).read_bytes())
    assert set(profile.features) == set(toy.DEFINITION.vector)
    assert set(profile.categories) == {"unit", "site"}
    assert sum(profile.score.counts) == profile.score_rows
    evaluation = Evaluation.model_validate_json((files.folder / package.METRICS).read_bytes())
    assert evaluation.candidate.overall == summary.metrics["candidate"]
    assert set(evaluation.candidate.slices["site"]) == {"north", "south"}


def test_version_comes_with_its_small_model(workshop: Workshop) -> None:
    """Loaded from the registry it gives its own scores, and its judged rows are those of the evaluation."""
    summary = workshop.train()
    files = workshop.files(summary.version)
    small, judged = load_small(files), judged_rows(files)
    assert small is not None
    assert judged is not None
    evaluation = Evaluation.model_validate_json((files.folder / package.METRICS).read_bytes())
    assert len(judged) == evaluation.candidate.overall.rows
    client = workshop.registry()._link.client
    run = client.get_run(client.get_model_version("toy", summary.version).run_id)
    assert 0 < run.data.metrics["small/log_loss"] < 0.69
    assert run.data.metrics["small/decided_otherwise"] < 0.5
    assert run.data.params["small_rounds"] == "8"


def test_registry_has_figures_and_metrics_for_people(workshop: Workshop) -> None:
    """Pictures, the numbers behind them, and every metric overall and by slice."""
    summary = workshop.train()
    client = workshop.registry()._link.client
    run = client.get_run(client.get_model_version("toy", summary.version).run_id)
    names = {
        f"{figure}.{kind}" for figure in ("calibration", "business_cost", "feature_gain") for kind in ("png", "json")
    }
    assert {Path(each.path).name for each in client.list_artifacts(run.info.run_id, "figures")} == names
    assert run.data.metrics["candidate/auc"] == pytest.approx(summary.metrics["candidate"].auc)
    assert {"rule/brier", "logistic_regression/log_loss", "candidate/site/north/auc"} <= set(run.data.metrics)
    assert run.data.params["max_depth"] == "3"


def test_too_little_data_stops_before_training(workshop: Workshop) -> None:
    """Who asks for a model by name is told what is missing; a schedule just waits."""
    workshop.policy(("minimum_rows: 500", "minimum_rows: 500000"))
    with pytest.raises(EvidenceMissing, match="its policy needs 500000"):
        workshop.train()
    assert train.fn() == ()


@pytest.mark.parametrize("flow", ["ingest", "materialize"])
def test_flow_that_stopped_before_the_window_ends_stops_the_training(workshop: Workshop, flow: str) -> None:
    """Rows without features would be learned from and judged as if their defaults were true."""
    workshop.come_to(flow, toy.END - timedelta(days=5))
    told = (
        f"{flow} of toy stands at 2020-01-16T00:00:00+00:00, but the window up to 2020-01-21T00:00:00+00:00 uses rows "
        "up to 2020-01-20T12:00:00+00:00; run the flows ingest and materialize first"
    )
    with pytest.raises(EvidenceMissing, match=re.escape(told)):
        workshop.train()
    assert Decisions(workshop.engine).of("toy") == ()
    assert workshop.train(days=15).verdict is not Verdict.ERROR


def test_features_need_not_reach_rows_whose_labels_do_not_count_yet(workshop: Workshop) -> None:
    """A scheduled training always runs some minutes after the last features were made."""
    workshop.come_to("materialize", toy.END - timedelta(hours=12))
    assert workshop.train().verdict is Verdict.PASS


def test_training_before_any_features_says_what_to_run(workshop: Workshop) -> None:
    """A ledger without watermarks has seen neither ingest nor materialize."""
    with workshop.engine.begin() as connection:
        connection.execute(delete(watermarks))
    with pytest.raises(EvidenceMissing, match=r"ingest of toy has not begun.*run the flows ingest and materialize"):
        workshop.train()


def test_model_that_fails_leaves_the_others_their_turn(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has a policy that nobody can follow; the second is trained, then the run fails."""
    monkeypatch.setitem(sys.modules, "feature_repo.broken", sys.modules["feature_repo.toy"])
    (workshop.config.policies / "broken.yaml").write_text("model: broken\n", encoding="utf-8")
    with pytest.raises(PolicyInvalid, match="broken"):
        train.fn()
    assert Plans(workshop.engine).current("toy").champion is not None


def test_model_without_events_is_left_for_the_next_run(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduled training before the first ingest does nothing."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "empty"))
    settings.cache_clear()
    assert train.fn() == ()
    with pytest.raises(NotFound, match="ingest"):
        train.fn("toy")


def test_training_set_that_fails_its_suite_is_refused(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is learned from rows that a critical expectation refuses."""
    toy.install(monkeypatch, {**toy.COLUMNS, "absent": Column(FieldType.NUMBER)})
    with pytest.raises(DataRejected, match=r"the training set of toy is refused: .*absent"):
        workshop.train()
    assert Decisions(workshop.engine).of("toy") == ()


def test_two_trainings_of_a_model_are_kept_apart(workshop: Workshop, impatient: None) -> None:
    """The second waits for the first, and in the end gives up with a word to the person."""
    with Leases(workshop.engine).hold("train:toy"), pytest.raises(Conflict, match="train:toy"):
        workshop.train()


def test_version_that_does_not_reproduce_its_example_is_refused(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that changed on the way into the registry never serve, and the ledger says why."""
    fetch: Callable[[Registry, str, str, Path], Path] = Registry.fetch

    def altered(self: Registry, model: str, version: str, into: Path) -> Path:
        folder = fetch(self, model, version, into)
        (folder / "model.ubj").write_bytes(np.random.default_rng(1).bytes(100))
        return folder

    monkeypatch.setattr(Registry, "fetch", altered)
    with pytest.raises(ArtifactInvalid, match=r"model\.ubj has SHA-256"):
        workshop.train()
    (decision,) = Decisions(workshop.engine).of("toy")
    assert (decision.action, decision.verdict) == ("reject", Verdict.ERROR)
    assert Plans(workshop.engine).current("toy").revision == 0
    assert workshop.registry().tags("toy", decision.version)["stage"] == "rejected"
