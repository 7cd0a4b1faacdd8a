"""What the tests of a training's parts share."""

import pytest

from lifecycle.policy import Policy
from stores.policies import load_policy
from tests.flows import toy


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Return the toy's policy."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    return load_policy(folder, "toy")
