"""One number of a policy file changes; every comment, quote and line end around it stays."""

from pathlib import Path

import pytest

from lifecycle.errors import Conflict, NotFound, PolicyInvalid
from stores.policies import load_policy
from stores.policy_change import change_number
from tests.flows import toy

SHIPPED = Path(__file__).parents[2] / "policies" / "flight_delay.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the shipped policy."""
    (tmp_path / "flight_delay.yaml").write_bytes(SHIPPED.read_bytes())
    return tmp_path


def test_only_the_number_changes_and_the_diff_says_so(folder: Path) -> None:
    """The file is the same but for one line, comments and all."""
    change = change_number(folder, "flight_delay", "decision.threshold", 0.25, 0.231)
    assert (folder / "flight_delay.yaml").read_bytes() == SHIPPED.read_bytes()
    assert [line for line in change.diff().splitlines()[2:] if line[0] in "+-"] == [
        "-  threshold: 0.25",
        "+  threshold: 0.231",
    ]
    change.write()
    before = SHIPPED.read_text(encoding="utf-8")
    assert (folder / "flight_delay.yaml").read_text(encoding="utf-8") == before.replace(
        "threshold: 0.25", "threshold: 0.231"
    )
    assert load_policy(folder, "flight_delay") == change.policy_after
    assert [path.name for path in folder.iterdir()] == ["flight_delay.yaml"]


@pytest.mark.parametrize(
    ("key", "written", "proposed", "line"),
    [
        ("rollout.canary.steps[1].share", 0.5, 0.4, "      - {share: 0.4, minimum_hours: 24,"),
        ("watching.drift.minimum_effect", 0.05, 0.2, "    minimum_effect: 0.2        # PSI beyond"),
        ("rollout.rules[11].when.above", 200, 150, "arm: champion, above: 150}"),
    ],
)
def test_numbers_in_lists_and_beside_comments_are_found(
    folder: Path, key: str, written: float, proposed: float, line: str
) -> None:
    """Wherever the YAML keeps them."""
    change_number(folder, "flight_delay", key, written, proposed).write()
    assert line in (folder / "flight_delay.yaml").read_text(encoding="utf-8")


def test_line_ends_links_and_rights_stay(tmp_path: Path) -> None:
    """A file of another system keeps its line ends, a link keeps pointing, and who may read it stays."""
    real, folder = tmp_path / "elsewhere.yaml", tmp_path / "policies"
    folder.mkdir()
    real.write_bytes(toy.POLICY.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    (folder / "toy.yaml").symlink_to(real)
    change_number(folder, "toy", "decision.threshold", 0.5, 0.4).write()
    assert real.read_bytes() == toy.POLICY.replace("threshold: 0.5", "threshold: 0.4").replace("\n", "\r\n").encode()
    assert (real.stat().st_mode & 0o777, (folder / "toy.yaml").is_symlink()) == (0o640, True)


def test_what_cannot_be_followed_or_is_not_there_is_refused(folder: Path) -> None:
    """And the file stays as it is."""
    before = (folder / "flight_delay.yaml").read_bytes()
    line = before.decode().splitlines().index("  threshold: 0.25") + 1
    with pytest.raises(PolicyInvalid, match=rf"flight_delay.yaml line {line}: decision.threshold is 1.5"):
        change_number(folder, "flight_delay", "decision.threshold", 0.25, 1.5)
    with pytest.raises(Conflict, match=r"is 0.25 now, not 0.3"):
        change_number(folder, "flight_delay", "decision.threshold", 0.3, 0.2)
    with pytest.raises(NotFound, match=r"no key decision\.treshold"):
        change_number(folder, "flight_delay", "decision.treshold", 0.3, 0.2)
    assert (folder / "flight_delay.yaml").read_bytes() == before
    assert len(list(folder.iterdir())) == 1


def test_a_file_that_was_saved_meanwhile_is_not_overwritten(folder: Path) -> None:
    """Somebody's other change would be lost."""
    change = change_number(folder, "flight_delay", "decision.threshold", 0.25, 0.231)
    path = folder / "flight_delay.yaml"
    path.write_text(f"{path.read_text()}# mine\n", encoding="utf-8")
    with pytest.raises(Conflict, match="changed by somebody else"):
        change.write()
    assert path.read_text().endswith("# mine\n")
