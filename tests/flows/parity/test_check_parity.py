"""What was served is held against stored events: nothing is found where nothing is wrong, and each skew by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from feature_repo.columns import columns_of
from feature_repo.definition import Columns, Feature, View
from flows.check_parity import Checked, check_model, check_parity
from lifecycle.alarms import AlarmKind
from lifecycle.errors import InvalidInput
from lifecycle.verdict import Verdict
from stores.ledger.alarms import Alarms
from stores.ledger.decisions import Decisions
from stores.ledger.progress import Progress
from tests.flows import toy
from tests.flows.parity.serving import Served

BEGIN = toy.START + timedelta(days=2)
STEP = timedelta(hours=3)
DAY = timedelta(days=1)


def check(served: Served, since: datetime | None = None, until: datetime | None = None) -> Checked:
    """Check the toy, telling nobody."""
    return check_model(toy.DEFINITION, served.config, served.engine, since=since, until=until, tell=lambda *_: None)


def failed(checked: Checked) -> dict[str, str]:
    """Return the reasons of the features that fail."""
    return {
        finding.rule_id.partition(":")[2]: finding.reason
        for finding in checked.findings
        if finding.verdict is Verdict.FAIL and finding.rule_id.startswith("parity:")
    }


def test_what_was_served_rightly_raises_nothing(served: Served) -> None:
    """Rows pushed three hours late at most are lag, not skew, and the lag is measured."""
    served.play(BEGIN, BEGIN + 2 * DAY, STEP)
    checked = check(served)
    assert (checked.verdict, failed(checked)) == (Verdict.PASS, {})
    assert checked.compared.rows == 50
    (lag,) = checked.compared.views
    assert (lag.late, lag.ahead) == (0, 0)
    assert 0 < lag.behind < 50
    assert lag.largest_hours is not None
    assert 2 < lag.largest_hours < 3
    assert checked.compared.as_trained == 50 - lag.behind
    assert Alarms(served.engine).all("toy") == ()


def test_rounding_to_single_precision_is_no_skew(served: Served) -> None:
    """A gateway that rounds once more, or sums in another order, is off by some parts in ten million."""
    served.play(BEGIN, BEGIN + 2 * DAY, STEP, rewritten=lambda matrix: np.nextafter(matrix, np.float32(np.inf)))
    assert failed(check(served)) == {}


def _other_units(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(level=rows["level"] * 1000)


def test_values_pushed_in_other_units_are_named_with_an_example(served: Served) -> None:
    """The alarm says which feature, how much of it, and one request to look at."""
    served.play(BEGIN, BEGIN + DAY, STEP, pushed=_other_units)
    checked = check(served)
    assert list(failed(checked)) == ["level"]
    (level,) = [one for one in checked.compared.features if one.feature == "level"]
    assert level.example is not None
    assert level.example.served == pytest.approx(1000 * level.example.recomputed, rel=1e-4)
    assert level.example.prediction_id in failed(checked)["level"]
    (alarm,) = Alarms(served.engine).standing("toy")
    assert (alarm.concern.kind, alarm.concern.subject, alarm.version) == (AlarmKind.PARITY, "level", "1")
    assert BEGIN <= alarm.concern.onset_at <= BEGIN + DAY


def _wrong_keys(shift: int) -> Callable[[Columns], Columns]:
    return lambda request: {"unit": np.array([f"u{int(unit[1:]) + shift}" for unit in request["unit"]], dtype=object)}


@pytest.mark.parametrize("shift", [1, 1000], ids=["another's row", "nobody's row"])
def test_a_join_by_the_wrong_key_is_found_in_every_feature_of_the_view(served: Served, shift: int) -> None:
    """Whether the key finds another entity's row, or none at all, so that defaults are served."""
    wrong = replace(toy.DEFINITION, entity_keys=_wrong_keys(shift))
    served.play(BEGIN, BEGIN + DAY, STEP, served_by=wrong)
    found = failed(check(served))
    assert list(found) == ["level", "late_share"]
    assert ("the default" in found["level"]) == (shift == 1000)


def test_a_view_that_is_no_longer_pushed_is_found_once_it_has_outlived_its_limit(served: Served) -> None:
    """Within the limit it is lag; beyond it defaults are served for values that stand stored."""
    served.play(BEGIN, BEGIN + 2 * DAY, STEP, pushed=lambda _, rows: rows.iloc[:0])
    checked = check(served)
    found = failed(checked)
    assert list(found) == ["level", "late_share"]
    assert "had no row of unit_state within the limit while one stood stored" in found["level"]
    (lag,) = [finding for finding in checked.findings if finding.rule_id == "lag:unit_state"]
    assert lag.verdict is Verdict.FAIL
    (before,) = check(served, BEGIN, BEGIN + timedelta(hours=18)).compared.views
    assert (before.late, before.behind > 0) == (0, True)


def test_who_asks_late_is_served_defaults_and_that_is_no_skew(served: Served) -> None:
    """The store keeps only the newest row, which is of after the moment: it counts as missing on both sides."""
    served.build(BEGIN, BEGIN + DAY)
    served.play(BEGIN, BEGIN + DAY, DAY, pushed=lambda _, rows: rows.iloc[:0])
    checked = check(served)
    (lag,) = checked.compared.views
    assert lag.ahead > 5
    assert failed(checked) == {}
    (finding,) = [finding for finding in checked.findings if finding.rule_id == "lag:unit_state"]
    assert f"{lag.ahead} of {lag.rows} asked late, found one of after their moment" in finding.reason
    assert finding.verdict is Verdict.PASS


def test_a_row_of_after_the_moment_that_was_used_is_found(served: Served) -> None:
    """A gateway that answers from the future is not served what training sees."""
    lax = replace(toy.DEFINITION, prediction_moments=lambda request: request["asked_at"] + DAY.total_seconds())
    served.build(BEGIN, BEGIN + DAY)
    served.play(BEGIN, BEGIN + DAY, DAY, served_by=lax, pushed=lambda _, rows: rows.iloc[:0])
    assert set(failed(check(served))) == {"level", "late_share"}


def test_another_default_is_found(served: Served) -> None:
    """Both sides know that a default stands in, and not which."""
    other = replace(toy.DEFINITION.views[0], features=(Feature("level", "Level", 0.25), Feature("late_share", "", 0.5)))
    wrong = replace(toy.DEFINITION, views=(other,))
    silent = replace(served, events={**served.events, "readings": served.events["readings"].iloc[:0]})
    silent.play(BEGIN, BEGIN + 3 * DAY, STEP, served_by=wrong)
    found = failed(check(silent))
    assert list(found) == ["level"]
    assert "served the default 0.25 instead of the default 0" in found["level"]


def test_values_of_nobody_stored_are_found(served: Served) -> None:
    """A row that was pushed and is not in the files, such as one of another model, cannot be recomputed."""

    def elsewhen(view: View, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(event_timestamp=rows["event_timestamp"] + timedelta(minutes=7))

    served.play(BEGIN, BEGIN + DAY, STEP, pushed=elsewhen)
    assert set(failed(check(served))) == {"level", "late_share"}


def test_a_few_differing_rows_are_tolerated_as_the_policy_says(served: Served) -> None:
    """The toy tolerates none; with a share tolerated, so few are what chance brings."""
    served.play(BEGIN, BEGIN + 2 * DAY, STEP)
    path = served.config.policies / "toy.yaml"
    path.write_text(toy.POLICY.replace('"share_tolerated":0.0', '"share_tolerated":0.1'), encoding="utf-8")
    assert '"share_tolerated":0.1' in path.read_text()
    first = served.definition.requests(served.events, BEGIN, BEGIN + 2 * DAY).iloc[0]
    served.build(BEGIN + 2 * DAY, BEGIN + 2 * DAY + STEP)
    row = {
        "prediction_id": "odd",
        "model": "toy",
        "contract": toy.CONTRACT.name,
        "tier": "model",
        "served_at": BEGIN,
        "moment_at": BEGIN + timedelta(minutes=1),
        "request": f'{{"unit":"{first["unit"]}","site":"north","load":1.0,"asked_at":"2020-01-03T00:01:00Z"}}',
        "features": [99.0, 99.0, 1.0],
        "defaulted": [],
        "feature_at": [BEGIN - timedelta(hours=6) + timedelta(seconds=1)],
    }
    served.log([row, {**row, "prediction_id": "odd too"}])
    checked = check(served, BEGIN, BEGIN + timedelta(hours=6))
    assert [one.differing for one in checked.compared.features] == [2, 2, 0]
    assert (checked.verdict, failed(checked)) == (Verdict.PASS, {})


def test_too_few_rows_are_left_to_the_next_check(served: Served) -> None:
    """Nothing is said in anybody's favour: a standing alarm stays, and the rows are looked at again."""
    served.play(BEGIN, BEGIN + DAY, STEP, pushed=_other_units)
    assert check(served).verdict is Verdict.FAIL
    served.build(BEGIN + DAY, BEGIN + DAY + STEP)
    hours = timedelta(hours=2)
    served.play(BEGIN + DAY + STEP, BEGIN + DAY + STEP + hours, hours)
    few = check(served)
    assert 0 < few.compared.rows <= 12
    assert few.verdict is Verdict.INCONCLUSIVE
    assert Progress(served.engine).watermark("parity:toy") == BEGIN + DAY
    assert len(Alarms(served.engine).standing("toy")) == 1


def test_a_later_check_that_finds_nothing_closes_the_alarm_and_an_old_window_does_not(served: Served) -> None:
    """Only the newest rows say that it is over."""
    served.play(BEGIN, BEGIN + DAY, STEP, pushed=_other_units)
    check(served)
    served.build(BEGIN + DAY, BEGIN + DAY + STEP)
    served.play(BEGIN + DAY + STEP, BEGIN + 3 * DAY, STEP)
    late = (BEGIN + DAY + timedelta(hours=9), BEGIN + 3 * DAY)
    assert check(served, *late).verdict is Verdict.PASS
    assert len(Alarms(served.engine).standing("toy")) == 1
    Progress(served.engine).advance("parity:toy", late[0])
    assert check(served).verdict is Verdict.PASS
    (alarm,) = Alarms(served.engine).all("toy")
    assert alarm.closed_by == "look"


def test_the_flow_calls_a_person_once_for_an_alarm(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision is stored for the alarm; checked again over the same rows, nothing is opened or told twice."""
    told: list[str] = []
    monkeypatch.setattr("flows.check_parity.page_and_wait", lambda decision: told.append(decision.reason))
    served.play(BEGIN, BEGIN + DAY, STEP, pushed=_other_units)
    check_parity.fn("toy")
    check_parity.fn("toy", BEGIN, BEGIN + DAY)
    (decision,) = Decisions(served.engine).of("toy")
    assert (decision.action, decision.actor, decision.version) == ("alarm", "flow:check_parity", "1")
    assert told == [decision.reason]
    assert decision.reason.startswith("parity:level: level was served otherwise than stored events say")


def test_the_same_window_is_sampled_alike_and_spread_over_it(served: Served) -> None:
    """A check can be repeated row by row; every part of the window is in it."""
    asked = served.play(BEGIN, BEGIN + 3 * DAY, STEP)
    assert asked > 200
    first, again = check(served, BEGIN, BEGIN + 3 * DAY), check(served, BEGIN, BEGIN + 3 * DAY)
    assert first == again


def test_feature_that_the_log_does_not_keep_is_left_out(served: Served) -> None:
    """It is neither wrong nor right."""
    path = served.config.policies / "toy.yaml"
    log = {"fields": [], "dropped_features": [{"name": "level", "because": "So it is."}]}
    path.write_text(f"{toy.POLICY}\nlog: {json.dumps(log)}\n", encoding="utf-8")

    def dropped(matrix: np.ndarray) -> np.ndarray:
        matrix[:, toy.DEFINITION.vector.index("level")] = np.nan
        return matrix

    served.play(BEGIN, BEGIN + 2 * DAY, STEP, rewritten=dropped)
    checked = check(served)
    assert (checked.verdict, failed(checked)) == (Verdict.PASS, {})
    assert [one.feature for one in checked.compared.features] == ["late_share", "asked_load"]
    assert checked.compared.as_trained > 0


def test_a_window_that_cannot_be_is_refused(served: Served) -> None:
    """Nobody knows which hours are meant."""
    with pytest.raises(InvalidInput, match="before it starts"):
        check(served, BEGIN + DAY, BEGIN)
    with pytest.raises(InvalidInput, match="no time zone"):
        check_parity.fn("toy", datetime(2020, 1, 3))  # noqa: DTZ001 - the point


def test_every_request_reads_back_as_it_was_asked(served: Served) -> None:
    """The recomputation starts from the logged request; the derived feature comes of it alone."""
    served.play(BEGIN, BEGIN + DAY, STEP)
    request = columns_of(toy.CONTRACT, served.definition.requests(served.events, BEGIN, BEGIN + DAY))
    load = next(one for one in check(served).compared.features if one.feature == "asked_load")
    assert (load.differing, len(request["load"]) > 50) == (0, True)
