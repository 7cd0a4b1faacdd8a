"""The command answers people in words and programs in JSON."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from console import cli
from lifecycle.plan import empty_plan
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings


def test_status_before_anything_was_started_says_what_to_do(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty state folder is no error."""
    cli.app(["status"], standalone_mode=False)
    assert "make run" in capsys.readouterr().out


def test_status_as_json_names_the_champion_and_since_when(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read what people read."""
    since = datetime(2013, 4, 1, tzinfo=UTC)
    Plans(open_ledger(home.ledger_address)).write(empty_plan("m").promote("3", since), since)
    cli.app(["status", "--json"], standalone_mode=False)
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert (model["champion"], model["since"], model["replicas_ready"]) == ("3", str(since), 0)


def test_a_wrong_setting_is_one_line_and_exit_code_one(home: Settings) -> None:
    """No traceback reaches a person."""
    done = subprocess.run(
        [sys.executable, "-m", "console.cli", "status"],
        env={"HOLDFAST_HTTP_PORT": "eighty", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "HOLDFAST_HTTP_PORT is 'eighty'" in done.stderr
    assert "Traceback" not in done.stderr
