"""Who is let in: every check passed, every figure within its limit, and nothing unmeasured."""

from datetime import UTC, datetime

import pytest

from lifecycle.admission import CHECKS, Checkup, Problem, decide_admission, told_in_line
from lifecycle.outcome import Action
from lifecycle.plan import empty_plan
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from tests.policies import PICK_UP

GOOD = Checkup(size_mb=1.0, format="onnx", inputs=3, latency_ms_1_row=2.0, latency_ms_64_rows=5.0)


def test_version_within_every_limit_is_admitted_with_its_figures() -> None:
    """The reason holds the numbers and the limits."""
    outcome = decide_admission("7", GOOD, PICK_UP)
    assert (outcome.action, outcome.verdict, outcome.stages) == (Action.ADMIT, Verdict.PASS, ())
    assert outcome.reason == (
        "Version 7 (onnx, 3 inputs, 1.0 MB) passed every check: 1 row in 2.0 ms (limit 200), "
        "64 rows in 5.0 ms (limit 400)."
    )


@pytest.mark.parametrize(
    ("update", "rule"),
    [
        ({"size_mb": 50.1}, "artifact-size"),
        ({"latency_ms_1_row": 200.1}, "latency-1-row"),
        ({"latency_ms_64_rows": 400.1}, "latency-64-rows"),
        *(({"problems": (Problem(check=check, reason="Mend it."),)}, check) for check in CHECKS),
    ],
)
def test_one_thing_wrong_is_a_refusal_that_names_it(update: dict[str, object], rule: str) -> None:
    """The finding that fails is the one that is wrong, and no other."""
    outcome = decide_admission("7", GOOD.model_copy(update=update), PICK_UP)
    assert (outcome.action, outcome.verdict) == (Action.REJECT, Verdict.FAIL)
    assert [finding.rule_id for finding in outcome.findings if finding.verdict is Verdict.FAIL] == [rule]
    assert outcome.stages[0].stage is Stage.REJECTED
    assert "Mend it." in outcome.reason or "limit" in outcome.reason


def test_figure_at_its_limit_is_within_it() -> None:
    """A limit is what is still allowed."""
    at_limit = GOOD.model_copy(update={"size_mb": 50.0, "latency_ms_1_row": 200.0, "latency_ms_64_rows": 400.0})
    assert decide_admission("7", at_limit, PICK_UP).action is Action.ADMIT


def test_version_that_was_never_scored_is_not_admitted() -> None:
    """Nothing wrong found is not the same as found to be right."""
    outcome = decide_admission("7", Checkup(size_mb=1.0), PICK_UP)
    assert (outcome.action, outcome.verdict) == (Action.REJECT, Verdict.INCONCLUSIVE)
    assert outcome.reason


def test_who_waits_is_told_what_the_line_waits_for() -> None:
    """A champion, the end of a hold, or the version before it."""
    at = datetime(2013, 4, 1, tzinfo=UTC)
    plan = empty_plan("m").promote("1", at)
    assert told_in_line(plan, ["2"]) == {"2": "passed every check; 1st in line for shadow"}
    assert told_in_line(plan.start_shadow("2", at), ["3"])["3"].endswith("in line for shadow, where version 2 is now")
    assert told_in_line(plan.hold("a storm"), ["2"])["2"].endswith("into which nobody enters while m is held")
    assert told_in_line(plan.pin("a storm"), ["2"])["2"].endswith("into which nobody enters while m is pinned")
    assert told_in_line(plan, []) == {}


def test_a_fast_version_reads_its_time_with_digits_that_count() -> None:
    """0.0 ms would say nothing."""
    fast = GOOD.model_copy(update={"size_mb": 0.0021, "latency_ms_1_row": 0.0341, "latency_ms_64_rows": 41.3})
    reason = decide_admission("7", fast, PICK_UP).reason
    assert "0.0021 MB) passed every check: 1 row in 0.034 ms (limit 200), 64 rows in 41 ms" in reason
