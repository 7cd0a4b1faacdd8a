"""A device that is not there is named, with what to change, and held against no version."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.errors import Unavailable
from stores.formats.devices import require_device
from stores.formats.loading import load_model


def test_processor_is_always_there() -> None:
    """Nothing is asked of any library."""
    require_device("cpu", "model.ubj", library_can=False, library="XGBoost")


def test_library_without_gpus_is_named() -> None:
    """Before anybody looks for one."""
    with pytest.raises(Unavailable, match=r"model.skops is to compute on cuda, which scikit-learn here cannot. In the"):
        load_model("sklearn-skops", Path("model.skops"), ("x",), "cuda")


def test_process_that_is_shown_no_gpu_is_told_so() -> None:
    """A library that could is not enough, nor is a GPU that Ray gave to somebody else."""
    asked = (
        "from stores.formats.devices import require_device as ask; ask('cuda', 'm.ubj', library_can=True, library='X')"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "m.ubj is to compute on cuda, but this process sees no NVIDIA GPU. In the policy's resources" in told.stderr
