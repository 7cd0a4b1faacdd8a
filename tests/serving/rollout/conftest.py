"""A version that hangs, let go when its test is over."""

from collections.abc import Iterator

import pytest

from tests.serving.rollout.trials import Hanging


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Return a version that hangs until the test is over."""
    made = Hanging()
    yield made
    made.let_go.set()
