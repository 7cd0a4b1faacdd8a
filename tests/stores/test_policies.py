"""Policy files: what is read, and how a mistake is pointed at."""

from pathlib import Path

import pytest

from lifecycle.errors import NotFound, PolicyInvalid
from stores.policies import load_policy, policy_models

SHIPPED = Path(__file__).parents[2] / "policies"
SOURCE = (SHIPPED / "flight_delay.yaml").read_text(encoding="utf-8")


def refused(folder: Path, text: str) -> str:
    """Return the message that a policy file with this text is refused with."""
    (folder / "flight_delay.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(folder, "flight_delay")
    return str(caught.value)


def line_of(text: str, words: str) -> int:
    """Return the line, from 1, of the first line with some words in it."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if words in line)


def test_shipped_policies_load() -> None:
    """Every file in policies/ can be followed."""
    models = policy_models(SHIPPED)
    assert "flight_delay" in models
    assert [load_policy(SHIPPED, model).model for model in models] == list(models)


def test_comment_leaves_the_revision_and_a_number_changes_it(tmp_path: Path) -> None:
    """The revision follows the meaning, not the text."""
    before = load_policy(SHIPPED, "flight_delay").revision()
    path = tmp_path / "flight_delay.yaml"
    path.write_text(SOURCE + "\n# a remark\n", encoding="utf-8")
    assert load_policy(tmp_path, "flight_delay").revision() == before
    path.write_text(SOURCE.replace("missed: 3", "missed: 4"), encoding="utf-8")
    assert load_policy(tmp_path, "flight_delay").revision() != before


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("threshold: 0.25", "threshold: 1.4", "decision.threshold is 1.4; allowed: less than or equal to 1"),
        ("threshold: 0.25", 'threshold: "0.25"', "decision.threshold is '0.25'; allowed: a valid number"),
        ("threshold: 0.25", "threshold: .nan", "decision.threshold is nan; allowed: a finite number"),
        ("replicas: 1", "replicas: 0", "serving.replicas is 0; allowed: greater than 0"),
        ("replicas: 1", "replicas: 1.5", "serving.replicas is 1.5; allowed: a valid integer"),
        ("owner: flight-operations", "owner: no", "owner is False; allowed: a valid string"),
        (
            "threshold: 0.25",
            "treshold: 0.25",
            "decision.treshold is not a known key; did you mean threshold? Allowed here: threshold, positive, negative",
        ),
        ("max_depth: 6", "depth: 6", "training.parameters.depth is not a known key"),
        ("metric: auc, at_least: 0.62", "metric: acu, at_least: 0.62", "offline_gate[0].require.metric is 'acu'"),
        (
            "metric: auc, at_least: 0.62",
            "metric: auc, at_least: 0.62, at_most: 1",
            "offline_gate[0].require: give exactly one of at_least, at_most and better_than",
        ),
        (
            "metric: auc, at_least: 0.62",
            "metric: auc, at_leest: 0.62",
            "offline_gate[0].require.at_leest is not a known key; did you mean at_least?",
        ),
        ("model: flight_delay", "model: flights", "model is 'flights'; allowed: 'flight_delay', as the file is named"),
    ],
)
def test_mistake_is_named_with_its_line(tmp_path: Path, good: str, bad: str, words: str) -> None:
    """The message has file, line, key path, what was given and what is allowed."""
    text = SOURCE.replace(good, bad, 1)
    assert text != SOURCE
    line = line_of(text, bad.split(",", maxsplit=1)[0])
    assert f"{tmp_path / 'flight_delay.yaml'} line {line}: {words}" in refused(tmp_path, text)


def test_missing_key_points_at_its_section(tmp_path: Path) -> None:
    """No safety limit has a hidden default: each must be written."""
    message = refused(tmp_path, SOURCE.replace("  missed: 3\n", ""))
    assert f"line {line_of(SOURCE, 'cost:')}: cost.missed is missing; add it" in message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Two wrong keys give two lines, so nobody mends a file one error at a time."""
    message = refused(tmp_path, SOURCE.replace("replicas: 1", "replicas: 0").replace("rounds: ", "round: "))
    assert "serving.replicas" in message
    assert "training.rounds is missing" in message
    assert "training.round is not a known key; did you mean rounds?" in message


def test_repeated_key_is_refused(tmp_path: Path) -> None:
    """YAML would silently take the second; here both lines are named."""
    line = line_of(SOURCE, "missed: 3")
    message = refused(tmp_path, SOURCE.replace("  missed: 3\n", "  missed: 3\n  missed: 30\n"))
    assert f"line {line + 1}: cost.missed is given a second time, first in line {line}" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; a policy needs model, owner"),
        ("model: [flight_delay", "line 1: expected ',' or ']'"),
        ("- model", "the policy"),
        ("model: !!python/name:os.system x", "line 1: could not determine a constructor"),
        ("model: \x07", "write valid YAML"),
    ],
)
def test_file_that_is_no_policy_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Broken YAML, other YAML and YAML that would run code end in one kind of error."""
    assert words in refused(tmp_path, text)


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The message says where the first odd byte is."""
    (tmp_path / "flight_delay.yaml").write_bytes(b"model: \xff")
    with pytest.raises(PolicyInvalid, match="byte 7 is not UTF-8"):
        load_policy(tmp_path, "flight_delay")


def test_unknown_model_names_those_there_are() -> None:
    """Who mistypes a model's name is told which there are."""
    with pytest.raises(NotFound, match=r"policies there: .*flight_delay"):
        load_policy(SHIPPED, "fligth_delay")


def test_missing_folder_names_the_setting(tmp_path: Path) -> None:
    """A wrong HOLDFAST_POLICIES is told as such."""
    with pytest.raises(NotFound, match="HOLDFAST_POLICIES"):
        policy_models(tmp_path / "nowhere")
