"""How large the drills are is said in one place."""

import pytest

from tests.drills.sizes import VARIABLE, size


@pytest.mark.parametrize(("said", "drills"), [(None, 40), ("usual", 40), ("full", 100)])
def test_drill_is_as_large_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, said: str | None, drills: int
) -> None:
    """The usual size where it says nothing."""
    monkeypatch.delenv(VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    assert size(full=100, usual=40) == drills


def test_size_that_is_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody believes to have run the full drills who has misspelt it."""
    monkeypatch.setenv(VARIABLE, "ful")
    with pytest.raises(ValueError, match="HOLDFAST_DRILLS is 'ful'; set it to 'full' or 'usual'"):
        size(full=100, usual=40)
