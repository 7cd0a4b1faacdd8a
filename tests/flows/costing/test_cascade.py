"""What a cascade would have made of recorded traffic."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from flows import try_cascade as command
from flows.costing.cascade import try_cascade
from flows.costing.traffic import Traffic, recorded_traffic
from flows.try_cascade import try_on_recorded, wanted_of
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.charging import charges_of
from lifecycle.errors import EvidenceMissing, InvalidInput
from lifecycle.policy import Policy
from lifecycle.prices_policy import PricesPolicy, TierPrices
from stores.ledger.opening import open_ledger
from stores.policies import load_policy
from stores.predictor import load_predictor
from stores.settings import Settings, settings
from stores.small import load_small
from stores.versions import VersionFiles, read_version
from tests.flows import toy
from tests.flows.answered_toy import NOW, answer, asked, prepare
from tests.stores.artifacts import add_small, feature_matrix, write_version

pytestmark = [
    # Two libraries warn when Great Expectations imports them.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]
WANTED = CascadePolicy(decided_otherwise_at_most=0.02, confidence=0.9)
PRICES = PricesPolicy(
    per_1000_answers=TierPrices(model=10, previous=10, small=1, rule=0, static=0, cache=0), per_cpu_second=0
)


@pytest.fixture
def kept(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings on a state folder with the toy's events, its policy, and a clock at day ten."""
    return prepare(home, monkeypatch, tmp_path)


@pytest.fixture
def engine(kept: Settings) -> Iterator[Engine]:
    """Return the ledger."""
    opened = open_ledger(kept.ledger_address)
    yield opened
    opened.dispose()


@pytest.fixture
def policy(kept: Settings) -> Policy:
    """Return the toy's policy with prices."""
    read = load_policy(settings().policies, "toy")
    return read.model_copy(update={"serving": read.serving.model_copy(update={"prices": PRICES})})


def versions(kept: Settings, rounds: int = 12) -> VersionFiles:
    """Store version 1 with a small model."""
    folder = kept.versions / "toy" / "1"
    add_small(folder, write_version(folder), rounds)
    return read_version(folder, "toy")


def serve(kept: Settings, files: VersionFiles, minute: int = 0, **more: object) -> np.ndarray:
    """Log what version 1 answers to a span of asks, whose features are made up; return the scores."""
    asks = asked(-timedelta(days=8), -timedelta(days=2))
    matrix = feature_matrix(len(asks))
    scores = load_predictor(files).score(matrix)
    for at, (score, row) in enumerate(zip(scores.tolist(), matrix.tolist(), strict=True)):
        told = {"arm": "champion", "features": row, "outcome": "answered", "shown": True, "predict_us": 640, **more}
        if at < 3:
            answer(kept, asks.iloc[[at]], [score], "1", minute=minute + at, replica="r", **told)
    return scores


def traffic(files: VersionFiles, rows: int = 1000) -> Traffic:
    """Return traffic that version 1 answered, half of it with a known outcome."""
    matrix = feature_matrix(rows)
    labels = (matrix[:, 0] * matrix[:, 1] > 0).astype(np.float64)
    labels[rows // 2 :] = np.nan
    return Traffic("1", matrix, load_predictor(files).score(matrix), labels, np.full(rows, 20.0), 16.0)


def test_cheap_rows_savings_and_losses_add_up(kept: Settings, policy: Policy) -> None:
    """Each figure, from the models themselves."""
    files = versions(kept)
    seen = traffic(files)
    tried = try_cascade(seen, files, policy, WANTED)
    assert tried is not None
    small = load_small(files)
    assert small is not None
    scores = small.score(seen.matrix)
    sure = tried.bands.sure(scores)
    assert (tried.rows, tried.cheap, tried.labelled) == (1000, int(sure.sum()), 500)
    assert 0 < tried.cheap < 1000
    assert tried.otherwise == int(((scores >= 0.5) != (seen.scores >= 0.5))[sure].sum())
    assert tried.served_cost == pytest.approx(10)
    share = tried.cheap / 1000
    assert tried.cascade_cost == pytest.approx(share * 1 + (1 - share) * 10)
    assert tried.served.log_loss is not None
    assert tried.cascade.log_loss is not None
    assert tried.cascade.log_loss >= tried.served.log_loss
    assert (tried.logged_us, tried.mean_batch_rows) == (20.0, 16.0)
    assert all(0 < one < 10_000 for one in (tried.version_us, tried.small_us, tried.cascade_us))


def test_measured_compute_is_priced(kept: Settings, policy: Policy) -> None:
    """Where computing costs something, both models' time is in the cascade's cost."""
    files = versions(kept)
    dear = PRICES.model_copy(update={"per_cpu_second": 1000})
    priced = policy.model_copy(update={"serving": policy.serving.model_copy(update={"prices": dear})})
    tried = try_cascade(traffic(files), files, priced, WANTED)
    assert tried is not None
    assert tried.served_cost is not None
    assert tried.served_cost == pytest.approx(10 + 1000 * charges_of(dear).attempt(tried.version_us))


def test_version_without_a_small_model_is_passed_over(kept: Settings, policy: Policy) -> None:
    """There is nothing to try."""
    folder = kept.versions / "toy" / "1"
    write_version(folder)
    files = read_version(folder, "toy")
    assert try_cascade(traffic(files), files, policy, WANTED) is None


def test_traffic_is_what_the_champion_answered_itself(kept: Settings, engine: Engine) -> None:
    """With the outcomes known by now; what anything else answered, or nobody was shown, is not its own."""
    files = versions(kept)
    scores = serve(kept, files)
    serve(kept, files, minute=10, arm="canary")
    serve(kept, files, minute=20, tier="small")
    serve(kept, files, minute=30, outcome="failed", shown=False)
    (found,) = recorded_traffic(toy.DEFINITION, NOW, kept, engine)
    assert found.version == "1"
    assert found.scores.tolist() == scores[:3].tolist()
    assert (found.matrix == feature_matrix(len(scores))[:3]).all()
    answers = asked(-timedelta(days=8), -timedelta(days=2))["answer"].to_list()[:3]
    assert found.labels.tolist() == answers
    assert (found.predict_us.tolist(), found.mean_batch_rows) == ([640.0] * 3, 1.0)
    assert recorded_traffic(toy.DEFINITION, NOW + timedelta(days=1), kept, engine) == ()


def test_nothing_to_try_is_said(kept: Settings, engine: Engine, policy: Policy) -> None:
    """With the versions that answered."""
    with pytest.raises(EvidenceMissing, match="versions that answered: none"):
        try_on_recorded(policy, WANTED, NOW, kept, engine)


def test_options_take_the_place_of_the_policy_s_words(policy: Policy) -> None:
    """Without either, nobody has said how much may differ."""
    with pytest.raises(InvalidInput, match=r"has no serving\.cascade; say --decided-otherwise-at-most"):
        wanted_of(policy, None, None)
    assert wanted_of(policy, 0.02, None) == CascadePolicy(decided_otherwise_at_most=0.02, confidence=0.95)
    written = policy.model_copy(update={"serving": policy.serving.model_copy(update={"cascade": WANTED})})
    assert wanted_of(written, None, None) == WANTED
    assert wanted_of(written, 0.5, 0.8) == CascadePolicy(decided_otherwise_at_most=0.5, confidence=0.8)
    with pytest.raises(InvalidInput, match="decided_otherwise_at_most is 0"):
        wanted_of(policy, 0.0, None)


def test_command_tells_people_and_programs(
    kept: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same figures; an error of ours is one line and exit code 1."""
    serve(kept, versions(kept))
    capsys.readouterr()
    asked_for = ["try_cascade", "--model", "toy", "--since", NOW.isoformat(), "--decided-otherwise-at-most", "0.05"]
    monkeypatch.setattr(sys, "argv", [*asked_for, "--json"])
    command.main()
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["version"], told["rows"], told["labelled"], told["served_cost"]) == ("1", 3, 3, None)
    monkeypatch.setattr(sys, "argv", asked_for)
    command.main()
    out = " ".join(capsys.readouterr().out.split())
    assert "Version 1, 3 rows answered" in out
    assert "on the 3 rows with a known outcome the log loss is" in out
    monkeypatch.setattr(sys, "argv", [*asked_for[:4], "now"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
