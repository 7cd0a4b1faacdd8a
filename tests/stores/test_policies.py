"""Policy files: what is read, and how a mistake is pointed at."""

from pathlib import Path

import pytest

from lifecycle.errors import NotFound, PolicyInvalid
from lifecycle.misfit import Misfit
from stores.policies import lines_of, load_policy, policy_models, read_policy

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
        ("threshold: 0.25", "threshold: 1.4", "decision.threshold is 1.4; allowed: a number at least 0 and at most 1"),
        ("threshold: 0.25", 'threshold: "0.25"', "decision.threshold is '0.25'; allowed: a number"),
        ("threshold: 0.25", "threshold: .nan", "decision.threshold is nan; allowed: a number"),
        ("minimum: 1", "minimum: 0", "resources.replicas.minimum is 0; allowed: a whole number above 0"),
        ("minimum: 1", "minimum: 1.5", "resources.replicas.minimum is 1.5; allowed: a whole number"),
        ("owner: flight-operations", "owner: 7", "owner is 7; allowed: text, in quotes when it looks like a number"),
        ("owner: flight-operations", "owner: true", "owner is True; allowed: text"),
        ("minimum_hours: 24", "minimum_hours: 1:30", "rollout.shadow.minimum_hours is '1:30'; allowed: a number at"),
        ("minimum_answers: 500", "minimum_answers: 010", "rollout.shadow.minimum_answers is '010'; allowed: a whole"),
        ("minimum_answers: 500", "minimum_answers: 0x1F", "rollout.shadow.minimum_answers is '0x1F'; allowed: a whole"),
        ("minimum_answers: 500", "minimum_answers: -5", "rollout.shadow.minimum_answers is -5; allowed: a whole"),
        ("veto_only: false", "veto_only: no", "rollout.rules[0].veto_only is 'no'; allowed: true or false"),
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
        (
            "minimum_hours: 24",
            "minimum_minutes: 24",
            "rollout.shadow.minimum_minutes is not a known key; did you mean minimum_hours?",
        ),
        (
            "max_artifact_mb: 100",
            "max_artifact_mb: 100MB",
            "pick_up.max_artifact_mb is '100MB'; allowed: a number above 0, in megabytes",
        ),
        (
            "by_more_than_percent: 300",
            "by_moore_than_percent: 300",
            "rollout.rules[8].when.by_moore_than_percent is not a known key; did you mean by_more_than_percent?",
        ),
        (
            "{metric: error_rate, arm: canary, worse_than: champion, by_more_than: 0.05}",
            "{metrik: error_rate, arm: canary, worse_than: champion, by_more_than: 0.05}",
            "rollout.rules[6].when.metric is missing; add it. Allowed: error_rate, decision_disagreement, latency_p50",
        ),
        ("{share: 0.1,", "{share: 0.6,", "rollout.canary.steps[0].share is 0.6; allowed: a number above 0 and at most"),
        ("{share: 0.1,", "{share: true,", "rollout.canary.steps[0].share is True; allowed: a number above 0"),
        ("veto_only: false", "veto_only: 0", "rollout.rules[0].veto_only is 0; allowed: true or false"),
        (
            "may: [roll_back, hold, resume, review]",
            "may: [roll_back, hold, resum, review]",
            (
                "people[0].may[2] is 'resum'; allowed: 'roll_back', 'hold', 'resume', 'promote', 'pin', "
                "'recalibrate' or 'review'"
            ),
        ),
        ("unit: [tail_number]", "unit: tail_number", "rollout.unit is 'tail_number'; allowed: a list, each: text"),
        (
            "overrides: []",
            "overrides: 3",
            "decision.overrides is 3; allowed: a list, each: a section of id, when",
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


@pytest.mark.parametrize(
    ("good", "bad", "where", "words"),
    [
        (
            "share: 0.5,",
            "share: 0.1,",
            "canary:",
            "rollout.canary: the shares of the steps are 0.1, 0.1; allowed: each",
        ),
        ("minimum_hours: 24\n", "minimum_hours: 240\n", "rollout:", "rollout: shadow.minimum_hours is 240, beyond"),
        (
            "arm: canary, worse_than: champion, by_more_than: 0.05}",
            "arm: canary, above: 1.5}",
            "",
            "is 1.5, but error_",
        ),
        ("memory_mb, arm: shadow, above: 900", "memory_mb, arm: shadow, above: 1100", "rollout:", "ends it at 1024"),
        ("then: reject", "then: roll_back", "id: shadow-errors", "rollout.rules[0]: a shadow cannot be told to roll_"),
        ("negative: likely_on_time", "negative: likely_late", "decision:", "decision: positive and negative are both"),
    ],
)
def test_contradiction_is_named_at_its_section(tmp_path: Path, good: str, bad: str, where: str, words: str) -> None:
    """Keys that are right alone and wrong together are refused too, with their numbers."""
    text = SOURCE.replace(good, bad, 1)
    assert text != SOURCE
    message = refused(tmp_path, text)
    assert words in message
    if where:
        assert f"line {line_of(text, where)}: " in message


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        (
            "id: shadow-memory",
            "id: shadow-errors",
            "rollout.rules[{}].id: 'shadow-errors' is there already, in rollout.rules[0].id; give each its own name",
        ),
        (
            "name: flight-operations",
            "name: on-call",
            "people[1].name: 'on-call' is there already, in people[0].name; give each its own name",
        ),
    ],
)
def test_a_name_that_is_taken_is_pointed_at_where_it_stands_again(
    tmp_path: Path, good: str, bad: str, words: str
) -> None:
    """Not at the policy as a whole: a file has many rules, and one of two is to be renamed."""
    text = SOURCE.replace(good, bad, 1)
    assert text != SOURCE
    told = words.format(SOURCE.split("rollout:")[1].split("  rules:")[1].split(good)[0].count("- id: "))
    assert f"line {line_of(SOURCE, good)}: {told}" in refused(tmp_path, text)


def test_every_name_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    """In each section for itself: a rule of the gate and one of the rollout may be named alike."""
    text = SOURCE.replace("name: flight-operations", "name: on-call")
    rules = "overrides: [" + ", ".join(
        f"{{id: {name}, when: {{field: carrier, is_one_of: [UA]}}, decide: ask, because: It was agreed.}}"
        for name in ("mine", "mine")
    )
    message = refused(tmp_path, SOURCE.replace("overrides: []", f"{rules}]"))
    line = line_of(SOURCE, "overrides: []")
    assert f"line {line}: decision.overrides[1].id: 'mine' is there already, in overrides[0].id" in message
    assert "people[1].name" in refused(tmp_path, text)


def test_what_does_not_fit_a_model_is_located_in_the_file(tmp_path: Path) -> None:
    """In the order of the file, each with the line of its place."""
    path = tmp_path / "draft.yaml"
    path.write_text(SOURCE, encoding="utf-8")
    late, early = Misfit(("people", 1, "name"), "is wrong"), Misfit(("rollout", "unit", 0), "is wrong too")
    unit, person = line_of(SOURCE, "unit: ["), line_of(SOURCE, "name: flight-operations")
    assert lines_of(path, [late, early]) == (
        f"{path} line {unit}: rollout.unit[0]: is wrong too",
        f"{path} line {person}: people[1].name: is wrong",
    )


def test_missing_key_points_at_its_section(tmp_path: Path) -> None:
    """No safety limit has a hidden default: each must be written."""
    message = refused(tmp_path, SOURCE.replace("  missed: 3\n", ""))
    assert f"line {line_of(SOURCE, 'cost:')}: cost.missed is missing; add it" in message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Two wrong keys give two lines, so nobody mends a file one error at a time."""
    message = refused(tmp_path, SOURCE.replace("minimum: 1\n", "minimum: 0\n").replace("rounds: ", "round: "))
    assert "resources.replicas.minimum" in message
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
        ("", "is empty; write a policy"),
        ("model: [flight_delay", "line 1: expected ',' or ']'"),
        ("- model", "the policy"),
        ("model: !!python/name:os.system x", "line 1: could not determine a constructor"),
        ("model: \x07", "write valid YAML"),
        ("- model", "is ['model']; allowed: a mapping of model, owner"),
        ("3", "line 1: the policy is 3; allowed: a mapping of model"),
        ("serving:\n\tmax_batch_rows: 1", "line 2: found character '\\t' that cannot start any token"),
        ("serving: &here\n  max_batch_rows: 1\ncost: *here", "line 3: *here refers to another place"),
        ("serving: &here [*here]", "line 1: *here refers to another place"),
        ("cost:\n  <<: {missed: 3}", "line 2: a key of cost is no word"),
        ("[1]: 2", "line 1: a key of the policy is no word"),
        ("model: a\n---\nmodel: b", "line 2: but found another document"),
        ("model: " + "9" * 5000, "holds a value that cannot be read"),
        ("model: " + "[" * 100_000, "nests deeper than a policy can"),
        ("owner: 1.0e+999", "owner is inf; allowed: text"),
        ("owner: " + "long" * 100, "model is missing"),
        ("rollout: [" + "1, " * 500 + "]", "…; allowed: a section of unit"),
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


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("threshold: 0.25", "threshold: 2.5e-1"),
        ("threshold: 0.25", "threshold: 25e-2"),
        ("max_body_bytes: 1048576", "max_body_bytes: 1_048_576"),
        ("minimum_hours: 24", "minimum_hours: 24.0"),
        ("veto_only: false", "veto_only: False"),
    ],
)
def test_a_number_may_be_written_as_people_do(tmp_path: Path, good: str, bad: str) -> None:
    """Other spellings of a value mean the same policy."""
    (tmp_path / "flight_delay.yaml").write_text(SOURCE.replace(good, bad, 1), encoding="utf-8")
    assert load_policy(tmp_path, "flight_delay").revision() == load_policy(SHIPPED, "flight_delay").revision()


def test_an_airlines_code_is_text(tmp_path: Path) -> None:
    """NO and ON are airlines and airports, not truth."""
    fixed = "{id: o, when: {field: carrier, is_one_of: [NO, ON, Y]}, decide: ask, because: It was agreed.}"
    (tmp_path / "flight_delay.yaml").write_text(SOURCE.replace("overrides: []", f"overrides: [{fixed}]"))
    (override,) = load_policy(tmp_path, "flight_delay").decision.overrides
    assert override.when.is_one_of == ("NO", "ON", "Y")


def test_any_file_can_be_read_as_a_policy(tmp_path: Path) -> None:
    """A draft has another name than its model, and is read all the same."""
    (tmp_path / "draft.txt").write_text(SOURCE, encoding="utf-8")
    assert read_policy(tmp_path / "draft.txt") == load_policy(SHIPPED, "flight_delay")


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_opened_is_not_found(tmp_path: Path, name: str) -> None:
    """A wrong path and a folder end in one line."""
    with pytest.raises(NotFound, match="no policy can be read from"):
        read_policy(tmp_path / name)


def test_problems_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Who mends a file goes through it once."""
    message = refused(tmp_path, SOURCE.replace("max_depth: 6", "depth: 6").replace("minimum: 1\n", "minimum: 0\n"))
    lines = [int(text.split(" line ")[1].split(":")[0]) for text in message.splitlines()]
    assert len(lines) == 3
    assert lines == sorted(lines)


def test_unknown_model_names_those_there_are() -> None:
    """Who mistypes a model's name is told which there are."""
    with pytest.raises(NotFound, match=r"policies there: .*flight_delay"):
        load_policy(SHIPPED, "fligth_delay")


def test_missing_folder_names_the_setting(tmp_path: Path) -> None:
    """A wrong HOLDFAST_POLICIES is told as such."""
    with pytest.raises(NotFound, match="HOLDFAST_POLICIES"):
        policy_models(tmp_path / "nowhere")
