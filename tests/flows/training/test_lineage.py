"""Where a version comes from."""

from pathlib import Path

from flows.training.lineage import UNKNOWN, code_digest, code_revision


def test_code_revision_outside_a_repository_is_unknown(tmp_path: Path) -> None:
    """An installed copy has no history, and says so."""
    assert code_revision(tmp_path) == UNKNOWN


def test_code_digest_is_stable() -> None:
    """The same sources give the same digest."""
    assert code_digest() == code_digest()
