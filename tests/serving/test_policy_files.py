"""Policies are followed as their files change."""

from pathlib import Path
from typing import Any

import pytest

from lifecycle.errors import NotFound, PolicyInvalid
from serving.policy_files import PolicyFiles, known_models, valid_policies
from tests.serving.conftest import MODEL, POLICIES

TEXT = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a valid policy."""
    path = tmp_path / f"{MODEL}.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def write(file: Path, before: str, after: str) -> None:
    """Change a policy file as an editor does: a new file takes its place."""
    assert before in TEXT
    part = file.with_suffix(".part")
    part.write_text(TEXT.replace(before, after), encoding="utf-8")
    part.replace(file)


def test_file_is_read_again_only_when_it_changed(file: Path) -> None:
    """Until then the same object comes back."""
    policies = PolicyFiles(file.parent)
    first = policies.newest(MODEL)
    assert policies.newest(MODEL) is first
    write(file, "threshold: 0.25", "threshold: 0.4")
    second = policies.newest(MODEL)
    assert second.decision.threshold == 0.4
    assert policies.newest(MODEL) is second
    assert policies.trouble(MODEL) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("threshold: 0.25", "treshold: 0.25", "treshold is not a known key"),
        (
            "unit: [tail_number]",
            "unit: [tail_nmber]",
            "no field of contract flight_delay_v1; did you mean tail_number?",
        ),
        (
            "overrides: []",
            "overrides: [{id: o, when: {field: airline, is_one_of: [UA]}, decide: late, because: Why.}]",
            "no text field of contract",
        ),
        (
            "in_slices_of: [carrier], slices_at_most",
            "in_slices_of: [airline], slices_at_most",
            "shadow-quality-by-carrier asks for slices of 'airline', which flight_delay does not have; Allowed: c",
        ),
        ("in_slices_of: [carrier, origin, hour", "in_slices_of: [carier, origin, hour", "did you mean carrier?"),
        ("below: 0.55, in_slices_of: [origin]", "below: 0.55, in_slices_of: [orgin]", "watching.quality.rules["),
    ],
)
def test_broken_file_keeps_the_policy_before_it_and_is_logged_once(
    file: Path, logged: list[Any], before: str, after: str, said: str
) -> None:
    """The trouble is told until the file is mended."""
    policies = PolicyFiles(file.parent)
    first = policies.newest(MODEL)
    write(file, before, after)
    for _ in range(3):
        assert policies.newest(MODEL) is first
    assert said in str(policies.trouble(MODEL))
    assert [line["event"] for line in logged] == ["policy_not_followed"]
    write(file, "threshold: 0.25", "threshold: 0.3")
    assert policies.newest(MODEL).decision.threshold == 0.3
    assert policies.trouble(MODEL) is None


def test_file_that_is_gone_keeps_the_policy_too(file: Path) -> None:
    """Somebody may be about to put it back."""
    policies = PolicyFiles(file.parent)
    first = policies.newest(MODEL)
    file.unlink()
    assert policies.newest(MODEL) is first
    assert "no policy" in str(policies.trouble(MODEL))


def test_file_that_never_was_valid_is_an_error_until_it_is(file: Path) -> None:
    """There is nothing to keep."""
    write(file, "threshold: 0.25", "threshold: 25")
    policies = PolicyFiles(file.parent)
    for _ in range(2):
        with pytest.raises(PolicyInvalid, match="threshold"):
            policies.newest(MODEL)
    file.write_text(TEXT, encoding="utf-8")
    assert policies.newest(MODEL).model == MODEL


def test_one_broken_file_stops_no_other_at_start(file: Path, logged: list[Any]) -> None:
    """What the gateway is given is what the valid ones ask for."""
    (file.parent / "other.yaml").write_text("model: other\n", encoding="utf-8")
    assert [policy.model for policy in valid_policies(file.parent)] == [MODEL]
    assert [line["event"] for line in logged] == ["policy_not_followed"]
    file.unlink()
    assert valid_policies(file.parent) == []


def test_model_is_followed_while_its_file_is_away(tmp_path: Path) -> None:
    """Its plan may be rolled back just then."""
    with pytest.raises(NotFound):
        known_models(tmp_path / "nowhere", [])
    assert known_models(tmp_path / "nowhere", ["m"]) == ["m"]
    (tmp_path / "a.yaml").touch()
    assert known_models(tmp_path, ["m"]) == ["a", "m"]
