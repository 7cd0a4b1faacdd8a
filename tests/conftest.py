"""What every test shares: a state folder of its own, and quiet third parties."""

import os
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from stores.settings import Settings, settings

SCRATCH = tempfile.TemporaryDirectory(prefix="holdfast-tests-")
# As the programs of the stack are started; see console/environment.py. Nothing lands in the user's home.
os.environ["TZ"] = "UTC"
os.environ["PREFECT_HOME"] = f"{SCRATCH.name}/prefect"
os.environ["MPLCONFIGDIR"] = f"{SCRATCH.name}/matplotlib"
time.tzset()
# A loaded machine is no failure; how long a test may take is pytest-timeout's business.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    SCRATCH.cleanup()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where CI promised to have everything."""
    report = yield
    if report.skipped and "HOLDFAST_CI" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing, but this test said: {report.longrepr}"
    return report


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is held is refused at once instead of waited for."""
    monkeypatch.setattr("stores.ledger.leases.WAIT_SECONDS", 0.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings on an empty state folder, in the environment too, so that child processes share it."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield settings()
    settings.cache_clear()
