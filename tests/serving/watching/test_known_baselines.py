"""A version's baseline is its own, else the ledger's, and is asked for until it is there."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lifecycle.errors import NotFound, Unavailable
from serving.watching.known_baselines import ASK_AGAIN_SECONDS, KnownBaselines
from stores.ledger.baselines import Baseline, Baselines
from stores.ledger.opening import connect, open_ledger
from stores.versions import VersionFiles
from tests.flows.supervision.conftest import MANIFEST
from tests.stores.prediction_log.answered import FIRST, baseline


@dataclass
class Bench:
    """A version whose folder may hold a baseline, a ledger, and a clock."""

    folder: Path
    engine: Engine
    seconds: float = 0.0
    here: bool = True

    def open(self, model: str, version: str) -> VersionFiles:
        """Return the version's files."""
        if not self.here:
            raise NotFound(f"no local copy of {version} of {model}")
        files = {name: "0" * 64 for name in ("model.onnx", "profile.json") if (self.folder / name).exists()}
        return VersionFiles(self.folder, MANIFEST.model_copy(update={"files": files}))

    def known(self) -> KnownBaselines:
        """Return what is tested."""
        return KnownBaselines(self.open, Baselines(self.engine), lambda: self.seconds)

    def keep(self) -> None:
        """Put a baseline into the ledger, which knows the version's rows as 99."""
        Baselines(self.engine).keep(
            Baseline("toy", "1", baseline().model_copy(update={"rows": 99}), None, "drawn", FIRST)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a version without a baseline."""
    return Bench(tmp_path, open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))


def test_own_baseline_needs_no_ledger(bench: Bench) -> None:
    """It lies beside the model's file."""
    (bench.folder / "profile.json").write_text(baseline().model_dump_json(), encoding="utf-8")
    bench.engine = connect(f"sqlite:///{bench.folder / 'empty.db'}")
    assert bench.known().of("toy", "1") == baseline()


@pytest.mark.parametrize("content", ["{}", "no JSON", json.dumps({"rows": "many"}), None])
def test_version_without_a_readable_one_has_the_ledger_s(bench: Bench, content: str | None) -> None:
    """A file of that name may be anything, when it is a stranger's."""
    if content is not None:
        (bench.folder / "profile.json").write_text(content, encoding="utf-8")
    bench.keep()
    found = bench.known().of("toy", "1")
    assert found is not None
    assert found.rows == 99


def test_baseline_of_other_features_is_not_the_version_s(bench: Bench) -> None:
    """Rows could not be counted on it."""
    other = baseline().model_copy(update={"features": {"width": baseline().score}})
    (bench.folder / "profile.json").write_text(other.model_dump_json(), encoding="utf-8")
    assert bench.known().of("toy", "1") is None


def test_one_that_is_drawn_later_is_found_within_half_a_minute(bench: Bench) -> None:
    """Until then it is not asked for with every shipment."""
    known = bench.known()
    assert known.of("toy", "1") is None
    bench.keep()
    bench.seconds = ASK_AGAIN_SECONDS - 1
    assert known.of("toy", "1") is None
    bench.seconds = ASK_AGAIN_SECONDS
    assert known.of("toy", "1") is not None


def test_files_and_ledger_out_of_reach_are_no_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no baseline then, for now."""
    bench.here = False
    bench.engine = connect(f"sqlite:///{bench.folder / 'empty.db'}")
    known = bench.known()
    assert known.of("toy", "1") is None

    def away(_model: str, _version: str) -> VersionFiles:
        raise Unavailable("away")

    monkeypatch.setattr(known, "open_version", away)
    bench.seconds = 2 * ASK_AGAIN_SECONDS
    assert known.of("toy", "1") is None
