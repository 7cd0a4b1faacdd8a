"""Who may ship a folder of segments."""

import os
from pathlib import Path

from stores.prediction_log.ownership import claim_dead, claim_new


def test_folder_of_a_living_replica_cannot_be_adopted(tmp_path: Path) -> None:
    """The lock stands as long as the process that made the folder."""
    assert claim_dead(claim_new(tmp_path, "replica").folder) is None


def test_folder_of_a_dead_replica_is_adopted_by_one(tmp_path: Path) -> None:
    """Of two adopters the second is turned away."""
    owned = claim_new(tmp_path, "replica")
    os.close(owned.descriptor)
    first, second = claim_dead(owned.folder), claim_dead(owned.folder)
    assert first is not None
    assert first.app_id == owned.app_id
    assert second is None


def test_released_folder_with_segments_waits_to_be_adopted(tmp_path: Path) -> None:
    """What a replica could not ship before it stopped stays where an adopter finds it."""
    owned = claim_new(tmp_path, "replica")
    (owned.folder / "00000001.arrow").touch()
    owned.release()
    assert claim_dead(owned.folder) is not None


def test_released_folder_without_segments_is_removed(tmp_path: Path) -> None:
    """Nothing is left of a replica that shipped everything."""
    claim_new(tmp_path, "replica").release()
    assert list(tmp_path.iterdir()) == []


def test_folder_whose_removal_was_cut_short_is_removed(tmp_path: Path) -> None:
    """A process may die after the owner file is gone and before the folder is."""
    (tmp_path / "replica.0").mkdir()
    assert claim_dead(tmp_path / "replica.0") is None
    assert list(tmp_path.iterdir()) == []
