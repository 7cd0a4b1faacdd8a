"""The operations files as they are read by tests."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"
Rule = dict[str, Any]


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return where promtool is."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed; on Debian: apt-get install prometheus")
    return found


@pytest.fixture(scope="session")
def rules() -> list[Rule]:
    """Return every rule of alerts.yml."""
    read = yaml.safe_load((OPERATIONS / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


@pytest.fixture(scope="session")
def alerts(rules: list[Rule]) -> list[Rule]:
    """Return the rules that call a person."""
    return [rule for rule in rules if "alert" in rule]


@pytest.fixture(scope="session")
def dashboard() -> Any:
    """Return the dashboard."""
    return json.loads((OPERATIONS / "dashboard.json").read_text(encoding="utf-8"))
