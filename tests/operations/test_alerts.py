"""The alert rules: valid, tested both ways, and each with a page that says what to do."""

import re
import subprocess

import yaml

from tests.operations.conftest import OPERATIONS, ROOT, Rule

SECTIONS = ("## What it means", "## How to see it", "## What to do", "## How to know that it is over")


def said_by(*command: str) -> str:
    """Return what a command says, once it has ended well."""
    done = subprocess.run(command, cwd=OPERATIONS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_the_rules_and_the_configuration(promtool: str) -> None:
    """Prometheus itself says that it can read them."""
    assert "SUCCESS" in said_by(promtool, "check", "rules", "alerts.yml")
    assert "SUCCESS" in said_by(promtool, "check", "config", "prometheus.yml")


def test_promtool_sees_each_alert_fire_when_it_should(promtool: str) -> None:
    """The cases stand in alerts_test.yml."""
    assert "SUCCESS" in said_by(promtool, "test", "rules", "alerts_test.yml")


def test_each_alert_is_tested_to_fire_and_not_to_fire(alerts: list[Rule]) -> None:
    """A rule that always fires, or never, would pass one of the two."""
    cases = yaml.safe_load((OPERATIONS / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    tried = [one for case in cases for one in case["alert_rule_test"]]
    fires = {one["alertname"] for one in tried if one["exp_alerts"]}
    rests = {one["alertname"] for one in tried if not one["exp_alerts"]}
    assert fires == rests == {alert["alert"] for alert in alerts}


def test_each_alert_says_how_bad_it_is_what_it_means_and_where_help_stands(alerts: list[Rule]) -> None:
    """No alert reaches a person without these."""
    for alert in alerts:
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}, alert["alert"]
        assert "for" in alert, alert["alert"]


def test_each_alert_has_a_page_that_says_what_to_do(alerts: list[Rule]) -> None:
    """The page exists, has the four sections in order, each with words, and the table of pages names the alert."""
    table = (ROOT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
    for alert in alerts:
        page = ROOT / alert["annotations"]["runbook_url"]
        assert page.is_file(), f"{alert['alert']} names {page}"
        text = page.read_text(encoding="utf-8")
        parts = re.split(r"^(## .+)$", text, flags=re.MULTILINE)
        assert tuple(parts[1::2]) == SECTIONS, page
        assert all(len(part.strip()) > 40 for part in parts[2::2]), page
        assert re.search(rf"`{alert['alert']}`.*\({page.name}\)", table), alert["alert"]


def test_links_of_the_pages_lead_somewhere() -> None:
    """A page read at night must not send anybody to nowhere."""
    for page in [*(ROOT / "docs" / "runbooks").glob("*.md"), OPERATIONS / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
