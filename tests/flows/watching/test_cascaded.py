"""The scores to be expected while a small model answers a part."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from flows.watching.cascaded import as_served, small_share
from lifecycle.cascade import sure_bands
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.policy import Policy
from lifecycle.profile import Profile
from lifecycle.profile_counting import count_numbers
from lifecycle.profile_drawing import profile_numbers
from stores.ledger.baselines import Baseline
from stores.policies import load_policy
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings
from stores.small import judged_rows
from stores.versions import VersionFiles, read_version
from tests.flows.answered_toy import NOW, answer, asked, prepare
from tests.stores.artifacts import add_small, write_version

pytestmark = [
    # Two libraries warn when they are imported: Google's for Great Expectations, and that one itself.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]
CASCADE = CascadePolicy(decided_otherwise_at_most=0.02, confidence=0.9)


@pytest.fixture
def kept(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings on a state folder with the toy's events, its policy, and a clock at day ten."""
    return prepare(home, monkeypatch, tmp_path)


@pytest.fixture
def policy(kept: Settings) -> Policy:
    """Return the toy's policy with a cascade."""
    read = load_policy(settings().policies, "toy")
    return read.model_copy(update={"serving": read.serving.model_copy(update={"cascade": CASCADE})})


@pytest.fixture
def files(tmp_path: Path) -> VersionFiles:
    """Return a version with a small model that is sure of a part."""
    add_small(tmp_path / "1", write_version(tmp_path / "1"), rounds=12)
    return read_version(tmp_path / "1", "toy")


def baseline_of(files: VersionFiles) -> Baseline:
    """Return the baseline of the version's own scores."""
    judged = judged_rows(files)
    assert judged is not None
    nothing = np.zeros(len(judged), dtype=bool)
    score = profile_numbers(judged[:, 1], nothing, np.arange(len(judged)) // 100)
    profile = Profile(rows=0, features={}, categories={}, score_rows=len(judged), score=score)
    return Baseline("toy", "1", profile, None, "version", NOW)


def mixed(files: VersionFiles, baseline: Baseline) -> tuple[float, tuple[int, ...]]:
    """Return the share that the small model is sure of, and the counts of the scores that clients get."""
    judged = judged_rows(files)
    assert judged is not None
    sure = sure_bands(judged[:, 1], judged[:, 2], 0.5, CASCADE).sure(judged[:, 2])
    given = np.where(sure, judged[:, 2], judged[:, 1])
    return float(sure.mean()), count_numbers(baseline.profile.score.edges, given, np.zeros(len(given), bool)).counts


def test_working_all_the_time_it_is_what_the_judged_rows_would_have_got(files: VersionFiles, policy: Policy) -> None:
    """Which is another distribution than the version's alone, in the same bins."""
    baseline = baseline_of(files)
    share, counts = mixed(files, baseline)
    assert 0 < share < 1
    served = as_served(baseline, files, policy, share)
    assert served.profile.score.counts == counts != baseline.profile.score.counts
    assert served.profile.score.edges == baseline.profile.score.edges
    assert served.profile.score.day_correlation == baseline.profile.score.day_correlation
    assert as_served(baseline, files, policy, min(1.0, share * 1.2)).profile.score.counts == counts


def test_working_half_of_the_time_it_is_half_of_each(files: VersionFiles, policy: Policy) -> None:
    """A cascade that was switched on in the middle of a window, or rested for a shadow, is no move."""
    baseline = baseline_of(files)
    share, counts = mixed(files, baseline)
    half = np.array(as_served(baseline, files, policy, share / 2).profile.score.counts)
    assert np.abs(half - (np.array(counts) + np.array(baseline.profile.score.counts)) / 2).max() <= 1


def test_without_a_cascade_or_a_small_model_nothing_changes(
    files: VersionFiles, policy: Policy, tmp_path: Path
) -> None:
    """The version is held against its own scores."""
    baseline = baseline_of(files)
    off = policy.model_copy(update={"serving": policy.serving.model_copy(update={"cascade": None})})
    assert as_served(baseline, files, off, 0.5) is baseline
    assert as_served(baseline, files, policy, 0.0) is baseline
    bare = VersionFiles(files.folder, files.manifest.model_copy(update={"small": None}))
    assert as_served(baseline, bare, policy, 0.5) is baseline


def test_share_is_of_the_version_s_own_answers(kept: Settings, files: VersionFiles) -> None:
    """What the rule answered or a cache gave again counts for neither."""
    asks = asked(-timedelta(days=2), -timedelta(days=1))
    told = {"arm": "champion", "features": [0.0, 0.0, 0.0]}
    for minute, tier in enumerate(("model", "model", "small", "rule", "cache")):
        answer(kept, asks, [0.5] * len(asks), "1", minute, **told, tier=tier)
    log, baseline = PredictionLog(kept.prediction_log), baseline_of(files)
    assert small_share(log, baseline, 3, NOW - timedelta(days=3), NOW) == pytest.approx(1 / 3)
    assert small_share(log, baseline, 3, NOW, NOW + timedelta(days=1)) == 0
    assert small_share(log, replace(baseline, version="2"), 3, NOW - timedelta(days=3), NOW) == 0
