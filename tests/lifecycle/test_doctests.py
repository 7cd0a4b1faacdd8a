"""The examples in the core's docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import lifecycle

MODULES = sorted(module.name for module in pkgutil.walk_packages(lifecycle.__path__, "lifecycle."))


@pytest.mark.parametrize("name", MODULES)
def test_every_example_in_a_docstring_is_true(name: str) -> None:
    """What a reader copies out of the documentation works."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
