"""What the tests of picking up share."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.pickup.report import Order
from tests.flows import toy
from tests.flows.pickup.made import frame, pipeline, write_sklearn

Ordering = Callable[..., Order]


@pytest.fixture(scope="session")
def skops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a good version in skops form; copy it before changing it."""
    folder = tmp_path_factory.mktemp("skops") / "version"
    write_sklearn(folder, pipeline(frame()), frame())
    return folder


@pytest.fixture
def version(skops: Path, tmp_path: Path) -> Path:
    """Return a copy of the good version, to poison."""
    return Path(shutil.copytree(skops, tmp_path / "version"))


@pytest.fixture
def order() -> Ordering:
    """Return what makes the toy's order for a folder."""

    def make(folder: Path, **changes: object) -> Order:
        usual = Order(
            folder=folder,
            contract=toy.CONTRACT,
            vector=toy.DEFINITION.vector,
            defaults=tuple(toy.DEFINITION.defaults.tolist()),
            allowed_formats=("xgboost-ubj", "xgboost-json", "sklearn-skops", "onnx"),
            seconds=60,
            memory_mb=1000,
        )
        return usual.model_copy(update=changes)

    return make
