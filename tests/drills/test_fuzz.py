"""Requests made of the OpenAPI description, right and wrong ones, to a running gateway."""

import subprocess
import sys
from pathlib import Path

from tests.drills.gateway import Gateway

PROGRAM = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 60
SECONDS = 300.0


def test_gateway_does_what_its_description_says(gateway: Gateway, tmp_path: Path) -> None:
    """All checks hold: no request makes it fail, what it forbids is refused, and answers look as it says."""
    address = f"{gateway.chosen.http_address}/openapi.json"
    checked = ("--checks", "all", "--max-examples", str(EXAMPLES), "--generation-deterministic")
    command = [str(PROGRAM), "--config-file", str(CONFIG), "run", address, *checked, "--no-color", "--warnings", "off"]
    found = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"
    assert "No issues found" in found.stdout, found.stdout
