"""The toy's stores, with nothing served yet."""

import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from feature_repo.feast_store import open_feature_store
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings, settings
from tests.flows import toy
from tests.flows.parity.serving import Served


@pytest.fixture
def served(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Served:
    """Return the toy with two days of rows, version 1 as champion, and nothing asked yet."""
    # The flow finds the toy where every model is; its suites, which take seconds to import, it never asks for.
    features = ModuleType("feature_repo.toy")
    vars(features)["DEFINITION"] = toy.DEFINITION
    monkeypatch.setitem(sys.modules, features.__name__, features)
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    settings.cache_clear()
    settings().policies.mkdir()
    (settings().policies / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    engine = open_ledger(home.ledger_address)
    Plans(engine).write(Plans(engine).current("toy").promote("1", toy.START), toy.START)
    events = {stream.name: stream.read(toy.START, toy.END) for stream in toy.DEFINITION.streams}
    store = open_feature_store(toy.DEFINITION, home.features)
    world = Served(toy.DEFINITION, store, events, settings(), engine)
    world.build(toy.START, toy.START + timedelta(days=2))
    return world
