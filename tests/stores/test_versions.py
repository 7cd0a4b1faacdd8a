"""Local copies of versions and of the last plan."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.errors import ArtifactInvalid, InvalidInput, NotFound, Unavailable
from lifecycle.plan import TrafficPlan
from stores.registry import Registry
from stores.versions import MANIFEST, Versions, read_version
from tests.stores.artifacts import write_manifest, write_version


class ShelfRegistry(Registry):
    """A registry whose versions lie in a folder; `down` makes it unreachable."""

    def __init__(self, shelf: Path) -> None:
        super().__init__("http://nowhere.invalid")
        self.shelf = shelf
        self.down = False
        self.fetches = 0

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version from the shelf."""
        if self.down:
            raise Unavailable("the registry is down")
        if not (self.shelf / version).is_dir():
            raise NotFound(f"no version {version} of {model}")
        self.fetches += 1
        shutil.copytree(self.shelf / version, into)
        return into


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a version `1` in it, to copy from."""
    folder = tmp_path_factory.mktemp("made")
    write_version(folder / "1")
    return folder


@pytest.fixture
def registry(made: Path, tmp_path: Path) -> ShelfRegistry:
    """Return a registry that holds version 1."""
    shutil.copytree(made, tmp_path / "shelf")
    return ShelfRegistry(tmp_path / "shelf")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder for local copies, which does not exist yet."""
    return tmp_path / "versions"


def test_version_is_fetched_once_and_then_opened_without_the_registry(root: Path, registry: ShelfRegistry) -> None:
    """A replica that has a version starts while the registry is down."""
    first = Versions(root, registry).open("toy", "1")
    registry.down = True
    again = Versions(root, registry).open("toy", "1")
    alone = Versions(root, None).open("toy", "1")
    assert first == again == alone
    assert registry.fetches == 1
    assert first.folder == root / "toy" / "1"


def test_only_files_the_manifest_names_are_kept(root: Path, registry: ShelfRegistry) -> None:
    """Whatever else lies beside a model in the registry never reaches a replica."""
    (registry.shelf / "1" / "loader.py").write_text("raise SystemExit", encoding="utf-8")
    folder = Versions(root, registry).open("toy", "1").folder
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "model.ubj"]


@pytest.mark.parametrize("damage", [b"", b"cut off"])
def test_damaged_copy_is_replaced_from_the_registry(root: Path, registry: ShelfRegistry, damage: bytes) -> None:
    """A torn model file is noticed by its digest and fetched anew."""
    versions = Versions(root, registry)
    folder = versions.open("toy", "1").folder
    (folder / "model.ubj").write_bytes(damage)
    assert versions.open("toy", "1") == read_version(folder, "toy")
    assert registry.fetches == 2


def test_damaged_copy_without_a_registry_is_an_error(root: Path, registry: ShelfRegistry) -> None:
    """Nothing is served from files that changed."""
    folder = Versions(root, registry).open("toy", "1").folder
    (folder / "model.ubj").write_bytes(b"other")
    with pytest.raises(ArtifactInvalid, match="has SHA-256"):
        Versions(root, None).open("toy", "1")
    registry.down = True
    with pytest.raises(Unavailable, match="registry is down"):
        Versions(root, registry).open("toy", "1")


def test_version_nobody_has_is_not_found(root: Path, registry: ShelfRegistry) -> None:
    """With and without a registry, an unknown version is told as such and leaves no trace."""
    with pytest.raises(NotFound, match="no version 9 of toy"):
        Versions(root, registry).open("toy", "9")
    with pytest.raises(NotFound, match="no local copy of version 9 of toy"):
        Versions(root, None).open("toy", "9")
    assert list((root / "toy").iterdir()) == []


def test_altered_file_in_the_registry_is_refused_and_not_kept(root: Path, registry: ShelfRegistry) -> None:
    """A model file that does not fit its digest never gets its name."""
    (registry.shelf / "1" / "model.ubj").write_bytes(b"altered")
    with pytest.raises(ArtifactInvalid, match="its manifest says"):
        Versions(root, registry).open("toy", "1")
    assert list((root / "toy").iterdir()) == []


def test_artifact_that_changed_after_pick_up_is_refused(root: Path, registry: ShelfRegistry) -> None:
    """Files and manifest may have been changed together; the pinned manifest is another witness."""
    first = read_version(registry.shelf / "1", "toy").manifest
    shutil.rmtree(registry.shelf / "1")
    write_version(registry.shelf / "1", rounds=5)
    with pytest.raises(ArtifactInvalid, match="it was picked up with"):
        Versions(root, registry, lambda *_: first).open("toy", "1")
    assert Versions(root, registry, lambda *_: None).open("toy", "1").manifest != first


def test_local_copy_of_another_pin_is_replaced(root: Path, registry: ShelfRegistry) -> None:
    """What a replica fetched before pick-up counts only when it is what was picked up."""
    before = Versions(root, registry).open("toy", "1").folder
    shutil.rmtree(registry.shelf / "1")
    pinned = write_version(registry.shelf / "1", rounds=5)
    files = Versions(root, registry, lambda *_: pinned).open("toy", "1")
    assert (files.folder, files.manifest) == (before, pinned)
    assert Versions(root, None).open("toy", "1").manifest == pinned


def test_version_without_a_manifest_opens_by_its_pin(root: Path, registry: ShelfRegistry) -> None:
    """A version that somebody else registered has no manifest of ours beside it."""
    pinned = read_version(registry.shelf / "1", "toy").manifest
    (registry.shelf / "1" / MANIFEST).unlink()
    assert Versions(root, registry, lambda *_: pinned).open("toy", "1").manifest == pinned


def test_pin_that_cannot_be_asked_leaves_the_local_copy(root: Path, registry: ShelfRegistry) -> None:
    """Serving outlives the ledger, but fetches nothing unwitnessed."""

    def away(_model: str, _version: str) -> None:
        raise Unavailable("the ledger is down")

    with pytest.raises(Unavailable, match="ledger is down"):
        Versions(root, registry, away).open("toy", "1")
    here = Versions(root, registry).open("toy", "1")
    assert Versions(root, registry, away).open("toy", "1") == here


def test_format_that_can_run_code_needs_a_pin(root: Path, registry: ShelfRegistry) -> None:
    """What a file says of itself must not decide that it is unpickled."""
    said = read_version(registry.shelf / "1", "toy").manifest
    write_manifest(registry.shelf / "1", said.model_copy(update={"format": "sklearn-pickle"}))
    with pytest.raises(ArtifactInvalid, match="was never picked up"):
        Versions(root, registry).open("toy", "1")


def test_link_in_place_of_a_file_is_refused(root: Path, registry: ShelfRegistry, tmp_path: Path) -> None:
    """A link could be pointed elsewhere after it was checked."""
    folder = Versions(root, registry).open("toy", "1").folder
    (folder / "model.ubj").rename(tmp_path / "model.ubj")
    (folder / "model.ubj").symlink_to(tmp_path / "model.ubj")
    with pytest.raises(ArtifactInvalid, match="is a link; allowed: plain files"):
        Versions(root, None).open("toy", "1")


def test_version_that_another_replica_put_there_first_is_used(root: Path, registry: ShelfRegistry) -> None:
    """Two replicas that fetch at once end with one whole copy."""

    class Overtaken(ShelfRegistry):
        def fetch(self, model: str, version: str, into: Path) -> Path:
            Versions(root, registry).open(model, version)
            return super().fetch(model, version, into)

    opened = Versions(root, Overtaken(registry.shelf)).open("toy", "1")
    assert opened == read_version(root / "toy" / "1", "toy")


@pytest.mark.parametrize("name", ["../escape", "/etc", "", ".", "a/b", "x" * 101])
def test_name_that_is_a_path_is_refused(root: Path, name: str) -> None:
    """Models and versions are names, never ways through the file system."""
    with pytest.raises(InvalidInput, match="is no version name"):
        Versions(root, None).open("toy", name)
    with pytest.raises(InvalidInput, match="is no model name"):
        Versions(root, None).open(name, "1")


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"model": "other"}, "holds a version of 'other', not of 'toy'"),
        ({"files": {}}, "gives no digest for its model file"),
        ({"model_file": "../model.ubj", "files": {"../model.ubj": "0"}}, "allowed: plain file names"),
        ({"files": {"model.ubj": "0", "more.json": "0"}}, "SHA-256"),
    ],
)
def test_manifest_that_contradicts_its_folder_is_refused(
    made: Path, tmp_path: Path, update: dict[str, object], words: str
) -> None:
    """A manifest is believed only as far as the files bear it out."""
    folder = tmp_path / "1"
    shutil.copytree(made / "1", folder)
    write_manifest(folder, read_version(folder, "toy").manifest.model_copy(update=update))
    with pytest.raises(ArtifactInvalid, match=words):
        read_version(folder, "toy")


@pytest.mark.parametrize("text", ["", "{", '{"model": "toy"}'])
def test_manifest_that_cannot_be_read_is_refused(made: Path, tmp_path: Path, text: str) -> None:
    """A torn manifest is damage like any other."""
    folder = tmp_path / "1"
    shutil.copytree(made / "1", folder)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactInvalid, match="cannot be read as a manifest"):
        read_version(folder, "toy")


def test_last_plan_is_the_one_saved_last(root: Path) -> None:
    """A start without the ledger goes on with what was last known."""
    versions = Versions(root, None)
    plan = TrafficPlan(model="toy", revision=1, champion="1", previous=None)
    now = datetime(2013, 4, 1, tzinfo=UTC)
    versions.save_plan(plan)
    versions.save_plan(plan.promote("2", now))
    assert Versions(root, None).last_plan("toy") == plan.promote("2", now)


def test_plan_that_was_never_saved_is_not_found(root: Path) -> None:
    """The first start needs the ledger."""
    with pytest.raises(NotFound, match="no plan of toy was ever saved"):
        Versions(root, None).last_plan("toy")


@pytest.mark.parametrize("text", ["", "[]", '{"model": "toy"}'])
def test_damaged_plan_is_refused(root: Path, text: str) -> None:
    """Half a plan routes no traffic."""
    (root / "toy").mkdir(parents=True)
    (root / "toy" / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactInvalid, match="is damaged"):
        Versions(root, None).last_plan("toy")
